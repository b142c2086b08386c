SUMMARY = "Bluetooth router, for tests"
DESCRIPTION = "cassia-router-image with a login for everybody and the tests of the service. For the laboratory only: \
bitbake -c testimage cassia-router-image-testing"
HOMEPAGE = "https://cassia-bypass.example/"

require cassia-router-image.inc

REQUIRED_DISTRO_FEATURES += "ptest"

IMAGE_INSTALL += "cassia-bypass-ptest ptest-runner"
# nooelint: oelint.var.badimagefeature.allow-empty-password,oelint.var.badimagefeature.allow-root-login,oelint.var.badimagefeature.empty-root-password,oelint.var.badimagefeature.post-install-logging
IMAGE_FEATURES += "allow-empty-password allow-root-login empty-root-password post-install-logging ssh-server-dropbear"

# testimage boots the disk as it is.
IMAGE_FSTYPES = "wic"

IMAGE_CLASSES += "testimage"
TEST_SUITES = "ping ssh cassia_bypass"
