"""The weights by which red, green and blue make up luma: those of Rec. 601, as in JPEG and in OpenCV."""

LUMA = (0.299, 0.587, 0.114)
