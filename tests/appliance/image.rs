//! Puts the appliance together: Debian's packages, the packages of our recipes, and what lets a test in.

use crate::machine::Disks;
use crate::recipe::Recipe;
use crate::support::process::run;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// OE-core's packages that the router image names, and where Debian's counterparts are in `tests/appliance/root`: all else that the
/// image names must be of our own recipes.
const OF_OE_CORE: [&str; 6] = ["bluez5", "ca-certificates", "dbus", "packagegroup-core-boot", "systemd", "tzdata-core"];
const STATE_SIZE: &str = "512M";

/// File systems to boot, and what they are of.
pub(crate) struct Image {
    pub(crate) disks: Disks,
    /// Our packages that it has.
    pub(crate) packages: BTreeSet<String>,
    /// Their units.
    pub(crate) services: BTreeSet<String>,
    _directory: TempDir,
}

/// What was made before.
pub(crate) struct Given {
    /// The tar that `tests/appliance/root` makes.
    pub(crate) base: PathBuf,
    /// The directory of the release build.
    pub(crate) programs: PathBuf,
    /// bitbake's `.deb` packages, to compare with.
    pub(crate) packages: Option<PathBuf>,
}

struct Builder {
    layer: PathBuf,
    root: PathBuf,
}

impl Image {
    pub(crate) fn build(given: &Given) -> Self {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
        let layer = checkout.join("meta-cassia").canonicalize().expect("the layer");
        let read = |file: &str| Recipe::read(&layer, &find(&layer, file));
        let mut recipes = vec![read("cassia-bypass_"), read("cassia-router-conf_")];
        let image = read("cassia-router-image.bb");
        let directory = TempDir::new().expect("a directory");
        let root = directory.path().join("root");
        fs::create_dir(&root).expect("a directory");
        run("tar", ["-C", text(&root), "-xf", text(&given.base)]);

        let builder = Builder { layer, root };
        let packages = builder.packages(&recipes, &image);
        let mut services = BTreeSet::new();
        for recipe in &mut recipes {
            services.extend(builder.install(recipe, &packages, given, directory.path()));
        }
        builder.layout(&image);
        builder.enable(&services);
        builder.let_tests_in(checkout, &given.programs);

        let place = |name: &str| directory.path().join(name);
        let newest = |prefix: &str| find(&builder.root.join("boot"), prefix);
        let (kernel, initrd) = (place("kernel"), place("initrd"));
        fs::copy(newest("vmlinuz-"), &kernel).expect("a kernel");
        fs::copy(newest("initrd.img-"), &initrd).expect("its initial file system");
        let (file, state) = (place("root.ext4"), place("state.ext4"));
        // No journal: nothing is ever written.
        let ext4 = ["-q", "-t", "ext4", "-O", "^has_journal", "-L", "root", "-d"];
        run("mke2fs", ext4.into_iter().chain([text(&builder.root), text(&file), "1G"]));
        run("mke2fs", ["-q", "-t", "ext4", "-L", "state", text(&state), STATE_SIZE]);
        fs::remove_dir_all(&builder.root).expect("ours");
        // Not even its kernel can write on the root.
        let drives = vec![format!("file={},readonly=on", file.display()), format!("file={}", state.display())];
        let disks = Disks { kernel, initrd, kernel_options: "ro init=/sbin/preinit", drives };
        Self { disks, packages, services, _directory: directory }
    }
}

impl Builder {
    /// Ours that the image has: what it names, what these groups name, and what those depend on.
    fn packages(&self, recipes: &[Recipe], image: &Recipe) -> BTreeSet<String> {
        let group = Recipe::read(&self.layer, &find(&self.layer, "packagegroup-cassia-router"));
        let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut wanted: Vec<_> = image.value("IMAGE_INSTALL").split_whitespace().map(str::to_owned).collect();
        while let Some(package) = wanted.pop() {
            if !seen.insert(package.clone()) {
                continue;
            }
            if package == group.name {
                wanted.extend(group.words("RDEPENDS", &package));
            } else if let Some(recipe) = recipes.iter().find(|recipe| recipe.packages().contains(&package)) {
                wanted.extend(recipe.words("RDEPENDS", &package));
                found.insert(package);
            } else {
                assert!(OF_OE_CORE.contains(&&*package), "{package}: the appliance has no counterpart in Debian");
            }
        }
        found
    }

    /// Installs the recipe's packages that the image has, makes their users, and tells their units.
    fn install(
        &self,
        recipe: &mut Recipe,
        packages: &BTreeSet<String>,
        given: &Given,
        work: &Path,
    ) -> BTreeSet<String> {
        assert!(!recipe.has_scripts(), "{}: scripts of packages are not run here", recipe.name);
        let to = work.join(&recipe.name);
        fs::create_dir(&to).expect("a directory");
        let programs = ["cassia-bypassd", "cassia-bypassctl"].map(|name| given.programs.join(name));
        let built: &[_] = if recipe.name == "cassia-bypass" { &programs } else { &[] };
        recipe.install(Path::new(env!("CARGO_MANIFEST_DIR")), built, &to);
        let is_file = ["(", "-not", "-type", "d", "-o", "-empty", ")", "-printf", "/%P\\n"];
        let installed = run("find", [text(&to), "-mindepth", "1"].into_iter().chain(is_file));

        let mut units = BTreeSet::new();
        for (package, mut files) in recipe.split(&installed.lines().map(str::to_owned).collect()) {
            if !packages.contains(&package) {
                continue;
            }
            let own = recipe.words("SYSTEMD_SERVICE", &package);
            if !own.is_empty() {
                // As the class systemd does.
                let preset = format!("/usr/lib/systemd/system-preset/98-{package}.preset");
                let lines: String = own.iter().map(|unit| format!("enable {unit}\n")).collect();
                write(&to, &preset, &lines, 0o644);
                files.insert(preset);
            }
            units.extend(own);
            let archive = work.join(format!("{package}.tar"));
            pack(&to, &files, &archive);
            if let Some(directory) = &given.packages {
                same_as_bitbakes(&archive, &find(directory, &format!("{package}_")), work);
            }
            run("tar", ["-C", text(&self.root), "--keep-directory-symlink", "-xf", text(&archive)]);
            for (tool, variable) in [("groupadd", "GROUPADD_PARAM"), ("useradd", "USERADD_PARAM")] {
                let value = recipe.value(&format!("{variable}:{package}"));
                for parameters in value.split(';').map(str::split_whitespace).filter(|words| words.clone().count() > 0)
                {
                    run("chroot", [text(&self.root), tool].into_iter().chain(parameters));
                }
            }
        }
        units
    }

    /// What the image recipe and OE-core's base-files make of the root: `/etc` over which the state partition lies, a `/var` in
    /// memory, no fixed id.
    fn layout(&self, image: &Recipe) {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/appliance/guest");
        let mut preinit = fs::read_to_string(here.join("preinit")).expect("preinit");
        for name in ["DEVICE", "FSTYPE", "MOUNT_OPTIONS", "MOUNT_POINT"].map(|name| format!("OVERLAYFS_ETC_{name}")) {
            preinit = preinit.replace(&format!("@{name}@"), &image.value(&name));
        }
        write(&self.root, "sbin/preinit", &preinit, 0o755);
        write(&self.root, "etc/fstab", "/dev/vda / ext4 ro 0 0\ntmpfs /var/volatile tmpfs defaults 0 0\n", 0o644);
        write(&self.root, "etc/hostname", "cassia-appliance\n", 0o644);
        // Empty: made at the first boot.
        write(&self.root, "etc/machine-id", "", 0o444);
        let tmp = self.root.join("usr/share/systemd/tmp.mount");
        fs::copy(tmp, self.root.join("usr/lib/systemd/system/tmp.mount")).expect("Debian has it, but not as a unit");
        let volatile = fs::read_to_string(here.join("base-files.conf")).expect("a file");
        write(&self.root, "usr/lib/tmpfiles.d/00-base-files.conf", &volatile, 0o644);
        let catalog = "systemd-journal-catalog-update.service";
        let unit = fs::read_to_string(here.join(catalog)).expect("a unit");
        write(&self.root, &format!("usr/lib/systemd/system/{catalog}"), &unit, 0o644);
        fs::create_dir_all(self.root.join("var/volatile")).expect("a directory");
        for name in ["log", "tmp"] {
            let place = self.root.join("var").join(name);
            drop(fs::remove_dir_all(&place));
            symlink(format!("volatile/{name}"), place).expect("a link");
        }
        // Debian's own; the router has its state elsewhere.
        drop(fs::remove_file(self.root.join("var/lib/dbus/machine-id")));
    }

    fn enable(&self, services: &BTreeSet<String>) {
        let root = format!("--root={}", self.root.display());
        let standard = [
            "tmp.mount",
            "systemd-journal-catalog-update.service",
            "systemd-networkd.service",
            "systemd-timesyncd.service",
            "bluetooth.service",
        ];
        let units = standard.into_iter().chain(services.iter().map(String::as_str));
        run("systemctl", [&root, "enable", "--quiet"].into_iter().chain(units));
        // Of Debian, not of a router.
        let others =
            ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer"];
        let more = ["e2scrub_reap.service", "getty@tty1.service"];
        run("systemctl", [&root, "mask", "--quiet"].into_iter().chain(others).chain(more));
    }

    /// A shell and a radio, each marked as for tests only.
    fn let_tests_in(&self, checkout: &Path, programs: &Path) {
        let here = checkout.join("tests/appliance/guest");
        let (tools, units) = (self.root.join("usr/libexec/cassia-test"), self.root.join("usr/lib/systemd/system"));
        let put = |from: PathBuf, to: &Path, mode: &str| {
            run("install", ["-D", "-m", mode, text(&from), "-t", text(to)]);
        };
        put(here.join("cassia-test-shell"), &tools, "0755");
        put(programs.join("radio-controller"), &tools, "0755");
        put(here.join("50-cassia-test.network"), &self.root.join("usr/lib/systemd/network"), "0644");
        let names = ["cassia-test-shell.service", "cassia-test-radio.service"];
        for name in names {
            put(here.join(name), &units, "0644");
        }
        let root = format!("--root={}", self.root.display());
        run("systemctl", [&root, "enable", "--quiet"].into_iter().chain(names));
    }
}

/// Packs files and the directories above them, all of them root's.
fn pack(from: &Path, files: &BTreeSet<String>, archive: &Path) {
    let above = |file: &String| Path::new(file).ancestors().map(Path::to_owned).collect::<Vec<_>>();
    let all: BTreeSet<_> = files.iter().flat_map(above).filter(|path| path != Path::new("/")).collect();
    let list: String = all.iter().map(|path| format!(".{}\n", path.display())).collect();
    let names = archive.with_extension("files");
    fs::write(&names, list).expect("a list");
    let as_root = ["--no-recursion", "--owner=0", "--group=0"];
    run("tar", as_root.into_iter().chain(["-C", text(from), "-T", text(&names), "-cf", text(archive)]));
}

/// Compares with the package that bitbake made: names, modes, owners, and what is in the files, but for the programs.
fn same_as_bitbakes(archive: &Path, package: &Path, work: &Path) {
    let (ours, theirs) = (work.join("ours"), work.join("theirs"));
    for directory in [&ours, &theirs] {
        drop(fs::remove_dir_all(directory));
        fs::create_dir(directory).expect("a directory");
    }
    run("tar", ["-C", text(&ours), "-xf", text(archive)]);
    run("dpkg-deb", ["-x", text(package), text(&theirs)]);
    let list = |directory: &Path| {
        let found = run("find", [text(directory), "-mindepth", "1", "-printf", "%P %M %U:%G\\n"]);
        found.lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(list(&ours), list(&theirs), "{}", package.display());
    run("diff", ["-r", "--exclude=bin", text(&ours), text(&theirs)]);
    println!("the same as {}", package.display());
}

fn write(root: &Path, place: &str, text: &str, mode: u32) {
    let file = root.join(place.trim_start_matches('/'));
    fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
    drop(fs::remove_file(&file));
    fs::write(&file, text).unwrap_or_else(|e| panic!("{place}: {e}"));
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("its mode");
}

/// The one file below a directory whose name starts so.
fn find(directory: &Path, prefix: &str) -> PathBuf {
    let found = run("find", [text(directory), "-not", "-type", "d", "-name", &format!("{prefix}*")]);
    let found: Vec<_> = found.lines().collect();
    assert_eq!(found.len(), 1, "{prefix}* in {}: {found:?}", directory.display());
    found[0].into()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
