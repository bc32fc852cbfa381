# cliphaze on a CPU. Build it and dehaze a folder:
#
#     docker build --tag cliphaze .
#     docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/photos" cliphaze dehaze input/ output/
FROM python:3.13-slim

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore UV_NO_CACHE=1

# The dependencies are a layer of their own, which a change of the sources leaves as it is. PyTorch comes for the CPU.
WORKDIR /source
COPY pyproject.toml ./
RUN pip install uv && uv pip install --system --torch-backend cpu -r pyproject.toml --extra fast

COPY README.md LICENSE ./
COPY weights weights
COPY cliphaze_cli cliphaze_cli
RUN uv pip install --system --no-deps . && pip uninstall --yes uv

# Whoever `--user` names can write to this home: caches lie there, also CLIP's weights (mount it to keep them).
RUN useradd --create-home --uid 1000 cliphaze && chmod 1777 /home/cliphaze
ENV HOME=/home/cliphaze
USER cliphaze
WORKDIR /photos
ENTRYPOINT ["cliphaze"]
CMD ["--help"]
