//! The completions offer what the program takes: clap_complete's own, and the names and values of settings, in any case.

use crate::arguments::command;
use crate::generated_tests::{NAME, compare};
use cassia_bypass::config::schema::Limit;
use cassia_bypass::config::{SECRETS, SETTINGS, SettingSpec};
use clap::builder::PossibleValuesParser;
use clap::{Arg, Command};
use clap_complete::Shell;

/// The names of settings with what follows them. The program itself asks the service for them.
fn names(settings: &[&[SettingSpec]], end: &str) -> Vec<&'static str> {
    settings.concat().iter().map(|setting| &*format!("{}{end}", setting.name).leak()).collect()
}

/// Which names each command takes: as they are, before a value, before a file.
fn offers() -> [(&'static [&'static str], &'static str, Vec<&'static str>); 3] {
    [
        (&["show", "describe", "reset"], "settings", names(&[SETTINGS, SECRETS], "")),
        (&["set", "test"], "assignments", names(&[SETTINGS], "=")),
        (&["set", "test", "import"], "secret-from", names(&[SECRETS], "=")),
    ]
}

/// What can follow the name of a setting.
enum Values {
    Words(Vec<String>),
    /// `@` and a file.
    File,
}

fn values(setting: &SettingSpec) -> Option<Values> {
    let words = |words: &[&str]| Some(Values::Words(words.iter().map(|word| (*word).to_owned()).collect()));
    match setting.limit {
        Limit::OneOf(choices) => words(choices),
        Limit::Range([(first, last)]) if last - first < 5 => {
            Some(Values::Words((*first..=*last).map(|number| number.to_string()).collect()))
        }
        _ if setting.signature.to_string() == "b" => words(&["true", "false"]),
        _ if setting.expected.contains("PEM") => Some(Values::File),
        _ => None,
    }
}

/// A branch of a shell's `case` for each setting whose values are known. Names are compared in lower case, without what may stand
/// between their words.
fn branches(branch: impl Fn(&str, &Values) -> String) -> String {
    let known = SETTINGS.iter().chain(SECRETS).filter_map(|setting| Some((setting, values(setting)?)));
    known.map(|(setting, values)| branch(&setting.name.to_lowercase(), &values)).collect()
}

fn command_with_names() -> Command {
    offers().into_iter().fold(command(), |whole, (commands, argument, names)| {
        let offer = |argument: Arg| argument.value_parser(PossibleValuesParser::new(names.iter().copied()));
        whole.mut_subcommands(|command| {
            if commands.contains(&command.get_name()) { command.mut_arg(argument, offer) } else { command }
        })
    })
}

/// Behind all that clap_complete offers: names in any case, after which the value follows without a space, and values. Readline
/// splits words at `=`, unless it is told not to; an `@` stays with what follows.
const BASH: &str = r#"
_cassia__bypassctl_values() {
    local word words= before= key=${1,,}
    key=${key//[_-]/}
    COMPREPLY=()
    [[ $COMP_WORDBREAKS == *=* ]] || before=$1=
    case $key in
BRANCHES    esac
    compopt +o default +o bashdefault
    if [[ $words == @ ]]; then
        if [[ $2 != @* ]]; then
            COMPREPLY=("$before@")
            compopt -o nospace
            return
        fi
        compopt -o filenames
        while read -r word; do COMPREPLY+=("$before@$word"); done < <(compgen -f -- "${2#@}")
        return
    fi
    for word in $words; do
        [[ ${word,,} != "${2,,}"* ]] || COMPREPLY+=("$before$word")
    done
}

_cassia__bypassctl_names() {
    local name names= word=${COMP_LINE:0:COMP_POINT}
    word=${word##*[[:space:]]}
    case ${COMP_WORDS[1]-} in
        set | test)
            names="ASSIGNED"
            # The file of a secret is completed as any file.
            if [[ $word == *=* && $word != -* && ${COMP_LINE:0:COMP_POINT} != *--secret-from\ "$word" ]]; then
                _cassia__bypassctl_values "${word%%=*}" "${word#*=}"
                return
            fi
            ;;
        show | describe | reset) names="NAMED" ;;
    esac
    _cassia__bypassctl "$@"
    if [[ -z ${COMPREPLY[0]-} && $word == [A-Za-z]* ]]; then
        for name in $names; do
            [[ ${name,,} != "${word,,}"* ]] || COMPREPLY+=("$name")
        done
    fi
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
"#;

fn bash(script: &str) -> String {
    // The labels of the commands are written in two ways where the name has a hyphen: clap-rs/clap#6421.
    let script = script.replace("cassia__subcmd__bypassctl", "cassia__bypassctl");
    let script = script.replace("-F _cassia__bypassctl ", "-F _cassia__bypassctl_names ");
    let branches = branches(|name, values| match values {
        Values::Words(words) => format!("        {name}) words=\"{}\" ;;\n", words.join(" ")),
        Values::File => format!("        {name}) words=@ ;;\n"),
    });
    let [named, assigned, _] = offers().map(|(_, _, names)| names.join(" "));
    script + &BASH.replace("BRANCHES", &branches).replace("NAMED", &named).replace("ASSIGNED", &assigned)
}

/// In any case.
const ZSH_MATCH: &str = "compadd -M \"m:{a-zA-Z}={A-Za-z}\"";
const ZSH: &str = r#"_cassia-bypassctl_assignments() {
    if ! compset -P 1 '*='; then
        MATCH -S '' -- ASSIGNED
        return
    fi
    local name=${(L)IPREFIX%=}
    name=${name//[_-]/}
    case $name in
BRANCHES    esac
}

"#;

/// The same for zsh, in each argument that offers such words.
fn zsh(script: &str) -> String {
    // A colon ends a part of what _arguments is told.
    let matches = ZSH_MATCH.replace(':', "\\:");
    let line = |line: &str| {
        let line = if line.contains("::assignments -- ") {
            let (before, _) = line.split_once(":(").expect("names");
            format!("{before}:_cassia-bypassctl_assignments' \\")
        } else if line.contains("=)'") {
            line.replace(":(", &format!(":{{{matches} -S \"\" -- ")).replace("=)'", "=}'")
        } else if line.contains("::settings -- ") {
            line.replace(":(", &format!(":{{{matches} -- ")).replace(")'", "}'")
        } else {
            line.into()
        };
        line + "\n"
    };
    let branches = branches(|name, values| match values {
        Values::Words(words) => format!("        {name}) {ZSH_MATCH} -- {} ;;\n", words.join(" ")),
        Values::File => format!("        {name}) if compset -P @; then _files; else compadd -S '' -- @; fi ;;\n"),
    });
    let [_, assigned, _] = offers().map(|(_, _, names)| names.join(" "));
    let assignments = ZSH.replace("BRANCHES", &branches).replace("MATCH", ZSH_MATCH).replace("ASSIGNED", &assigned);
    let script: String = script.lines().map(line).collect();
    script.replace("if [ \"$funcstack[1]\" =", &format!("{assignments}if [ \"$funcstack[1]\" ="))
}

const FISH: &str = r#"function __fish_cassia_bypassctl_values
    set -l token (commandline -ct)
    string match -q '*=*' -- $token; or return
    set -l name (string replace -r '=.*' '' -- $token)
    switch (string lower -- $name | string replace -ra '[_-]' '')
BRANCHES    end
end
"#;

/// clap_complete offers no words without an option here, and in place of files those of an option. No space follows `=`.
fn fish(script: &str) -> String {
    let offer = |(commands, argument, names): (&[&str], &str, Vec<&str>)| {
        let option = if argument == "secret-from" { "-l secret-from -r " } else { "" };
        let when = format!("__fish_cassia_bypassctl_using_subcommand {}", commands.join(" "));
        let line = |when: &str, offered: &str| format!("complete -c {NAME} -n \"{when}\" {option}-a \"{offered}\"\n");
        if argument != "assignments" {
            return line(&when, &names.join(" "));
        }
        // Behind the name its values.
        let named = format!("{when}; and not string match -q '*=*' -- (commandline -ct)");
        line(&named, &names.join(" ")) + &line(&when, "(__fish_cassia_bypassctl_values)").replace(" -a ", " -f -a ")
    };
    let branches = branches(|name, values| match values {
        Values::Words(words) => {
            format!("        case {name}\n            printf '%s\\n' $name={{{}}}\n", words.join(","))
        }
        Values::File => format!(
            "        case {name}\n            printf '%s\\n' $name=@(__fish_complete_path (string replace -r '^[^=]*=@?' '' -- $token))\n"
        ),
    });
    script.to_owned() + &FISH.replace("BRANCHES", &branches) + &offers().map(offer).concat()
}

#[test]
fn generated_completions() {
    let script = |shell: Shell, mut command: Command| {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, NAME, &mut script);
        String::from_utf8(script).expect("text")
    };
    compare("completions/cassia-bypassctl.bash", &bash(&script(Shell::Bash, command_with_names())));
    compare("completions/_cassia-bypassctl", &zsh(&script(Shell::Zsh, command_with_names())));
    compare("completions/cassia-bypassctl.fish", &fish(&script(Shell::Fish, command())));
}
