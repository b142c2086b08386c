//! Man pages and completions as those take them who use them. That they are what the program says is compared beside it.

use crate::ctl::Terminal;
use crate::support::process::output;
use std::fs;
use std::process::Command;

const DBUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dbus");

/// Runs a program that must succeed without a complaint.
fn quiet(program: &str, words: &[&str]) -> String {
    let output = output(Command::new(program).args(words));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{program} {words:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn man_pages_are_set_without_a_warning() {
    for page in ["cassia-bypassctl.1", "cassia-bypassd.8"] {
        let text = quiet("groff", &["-man", "-Tutf8", "-ww", "-P-cbou", &format!("{DBUS}/man/{page}")]);
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"] {
            assert!(text.lines().any(|line| line.contains(section) && !line.starts_with(' ')), "{page}: {section}");
        }
    }
}

#[test]
fn man_page_of_the_service_has_its_options() {
    let page = fs::read_to_string(format!("{DBUS}/man/cassia-bypassd.8")).expect("a page").replace("\\-", "-");
    let help = quiet(env!("CARGO_BIN_EXE_cassia-bypassd"), &["--help"]);
    let options = help.split(|c: char| c.is_whitespace() || "[]|,".contains(c)).filter(|word| word.starts_with("--"));
    let mut count = 0;
    for option in options {
        assert!(page.contains(option), "{option}");
        count += 1;
    }
    assert!(count >= 5, "{help}");
}

/// What fish offers after these words.
fn fish(words: &str) -> String {
    let script = format!("source {DBUS}/completions/cassia-bypassctl.fish; complete -C 'cassia-bypassctl {words}'");
    let home = tempfile::tempdir().expect("a directory");
    let fish = output(Command::new("fish").args(["--no-config", "-c", &script]).env("HOME", home.path()));
    String::from_utf8_lossy(&fish.stdout).into_owned()
}

#[test]
fn shells_complete() {
    let bash = format!(
        ". {DBUS}/completions/cassia-bypassctl.bash; function=$(complete -p cassia-bypassctl | sed 's/.* -F \\([^ ]*\\).*/\\1/'); \
         COMP_WORDS=(cassia-bypassctl diag); COMP_CWORD=1; $function cassia-bypassctl diag cassia-bypassctl; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    assert_eq!(quiet("bash", &["--norc", "-c", &bash]), "diagnose\n");
    let completed = fish("set --secret");
    assert!(completed.starts_with("--secret-from"), "{completed}");
    quiet("zsh", &["-f", "-n", &format!("{DBUS}/completions/_cassia-bypassctl")]);
}

/// At a prompt, with the Tab key.
#[test]
fn names_of_settings_are_completed_at_a_prompt() {
    let completions = format!("{DBUS}/completions");
    let bash = ("bash --norc --noprofile -i", format!(". {completions}/cassia-bypassctl.bash"));
    let zsh = ("zsh -f -i", format!("fpath=({completions} $fpath); autoload -U compinit; compinit -u -D"));
    for (shell, load) in [bash, zsh] {
        let home = tempfile::tempdir().expect("a directory");
        let mut command = Command::new("env");
        command.env("HOME", home.path()).env("TERM", "xterm");
        let mut terminal = Terminal::start_line(command, shell, home.path());
        // The words that a command would get; the parts of "ready" are not on the line that is typed.
        terminal.type_in(&format!("cassia-bypassctl() {{ printf '<%s>' \"$@\"; }}; {load}; echo 're''ady'\n"));
        terminal.until("ready");
        for (typed, words) in [
            ("describe EncryptionM\t", "<describe><EncryptionMode>"),
            ("reset ClientK\t", "<reset><ClientKey>"),
            ("set Hos\tbroker Por\t1884", "<set><Host=broker><Port=1884>"),
            ("set --secret-from Pas\t-", "<set><--secret-from><Password=->"),
            // Without regard to case, and the values that a setting has.
            ("describe scanm\t", "<describe><ScanMode>"),
            ("set scanm\tpas\t", "<set><ScanMode=passive>"),
            ("set Beacon=T\t scan_qos=2", "<set><Beacon=true><scan_qos=2>"),
            ("set CaCertificate=\t/etc/hostn\t", "<set><CaCertificate=@/etc/hostname>"),
        ] {
            terminal.type_in(&format!("cassia-bypassctl {typed}\n"));
            terminal.until(words);
        }
    }
    assert_eq!(fish("set Hos").lines().next(), Some("Host="));
    assert_eq!(fish("reset ClientK").lines().next(), Some("ClientKey"));
    assert_eq!(fish("import --secret-from Pas").lines().next(), Some("Password="));
    for (typed, first) in [
        ("set ScanMode=", "ScanMode=active"),
        ("set scan_mode=pa", "scan_mode=passive"),
        ("set ScanQos=", "ScanQos=0"),
        ("set CaCertificate=@/etc/hostnam", "CaCertificate=@/etc/hostname"),
    ] {
        assert_eq!(fish(typed).lines().next(), Some(first), "{typed}");
    }
    // A file follows.
    assert_eq!(fish("set --secret-from Psk=/etc/hostnam").lines().next(), Some("Psk=/etc/hostname"));
}
