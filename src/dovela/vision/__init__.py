"""From images to arrays. Pillow is imported when an image is there, not before."""
