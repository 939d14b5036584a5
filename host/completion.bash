# Completion of spindle-mount and spindle-sh for bash.

_spindle_mount() {
    local cur prev
    _init_completion -s || return
    case $prev in
        -o)
            local options='ro names=rr names=joliet names=enhanced names=iso charset=latin1
                charset=cp437 charset=cp850 charset=shift-jis charset=utf-8 session= case=exact
                case=fold offset= size= uid= gid= fmask= dmask= allow_other default_permissions'
            local before=${cur%"${cur##*,}"}
            compopt -o nospace
            COMPREPLY=($(compgen -P "$before" -W "$options" -- "${cur##*,}"))
            return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W '-f -d -o --help --version' -- "$cur"))
    else
        _filedir
    fi
}
complete -F _spindle_mount spindle-mount mount.spindle

_spindle_sh() {
    local cur prev
    _init_completion -s || return
    case $prev in
        --host) _filedir -d; return ;;
        -c) return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W '-c -i --host --write-host --help' -- "$cur"))
    else
        _filedir
    fi
}
complete -F _spindle_sh spindle-sh
