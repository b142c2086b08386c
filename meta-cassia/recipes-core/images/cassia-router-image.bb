SUMMARY = "Bluetooth router"
DESCRIPTION = "A read-only root with BlueZ, cassia-bypass and systemd, and a partition for state: settings, adverts that \
wait for the broker, the journal. Nobody can log in."
HOMEPAGE = "https://cassia-bypass.example/"

require cassia-router-image.inc

IMAGE_FSTYPES = "wic.bmap wic.zst"

CASSIA_LOGIN_FEATURES = "allow-empty-password allow-root-login empty-root-password serial-autologin-root"

# Nor may a local.conf for debugging let anybody in: the image is then not to be had, and the rest of the build is.
# nooelint: oelint.task.noanonpython
python () {
    found = set(d.getVar("CASSIA_LOGIN_FEATURES").split()) & set(d.getVar("IMAGE_FEATURES").split())
    if found:
        raise bb.parse.SkipRecipe("it must not have logins for debugging: take %s out of EXTRA_IMAGE_FEATURES, or build "
                                  "cassia-router-image-testing" % ", ".join(sorted(found)))
}
