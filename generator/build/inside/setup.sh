# mmdebstrap customize-hook: makes the place where the payload is unpacked. $1 is the new root.
# /run is hidden when the filesystem is made, so nothing of it gets into the image.
mkdir -m 0700 "$1/run/ironseed"
