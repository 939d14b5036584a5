/*
 * command_not_found.c - see hints.h.
 */
#include "shell/command_not_found.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* `words` are separated by blanks. */
static const struct hint {
    const char *words, *instead;
} hints[] = {
    { "sh bash dash zsh ksh csh ash", "`source FILE` runs the commands in a file" },
    { "less pg most view", "`more FILE` shows text a screenful at a time" },
    { "man info apropos whatis", "`help COMMAND` describes a command, `book` the rest" },
    { "which type command whereis builtin",
      "every command is the shell's own; `help` lists them" },
    { "vi vim nvim nano emacs ed ex pico joe",
      "there is no editor; `cat > FILE` takes lines up to ^D" },
    { "sed awk cut tr perl python python3",
      "`grep`, `head`, `tail`, `sort` and `wc` are what there is" },
    { "egrep", "`grep -E`" },
    { "fgrep", "`grep -F`" },
    { "dir vdir ll la l", "`ls -l` lists a directory" },
    { "od xxd hd strings", "`hexdump FILE` shows bytes" },
    { "uniq", "`sort -u FILE`, which sorts as well" },
    { "yes seq expr bc dc jot factor", "nothing here makes lines or counts" },
    { "basename dirname", "the names that patterns like *.c give are as they were typed" },
    { "uname hostname arch lscpu nproc", "`log` begins with what this is" },
    { "lsof fuser", "`umount` and `eject` list what is in use" },
    { "cdrecord wodim growisofs burn", "discs are only read here" },
    { "dd", "`head -c`, `cp` and `hexdump -s` read parts of devices and files" },
    { "diff", "`cmp A B` finds the first difference" },
    { "cksum sum crc32 b2sum sha224sum sha384sum",
      "`md5sum`, `sha1sum`, `sha256sum` and `sha512sum` are there" },
    { "locate", "`find DIRECTORY -name PATTERN`" },
    { "unlink del erase", "`rm FILE`" },
    { "copy", "`cp FROM TO`" },
    { "move ren rename", "`mv FROM TO`" },
    { "ln link readlink realpath", "links cannot be made; `stat` shows where one leads" },
    { "chmod chown chgrp umask su sudo doas id whoami who w login passwd",
      "there are no users, and everything is allowed" },
    { "lsblk lspci lsusb lsmod lsscsi lshw hwinfo blkid fdisk parted",
      "`devices` shows the device tree" },
    { "isoinfo isovfy xorriso", "`volinfo DEVICE` describes a volume, `manifest` what is on it" },
    { "losetup hdiutil kpartx",
      "`vdrive add IMAGE` makes a drive of an image, `mount IMAGE DIRECTORY` mounts it too" },
    { "unmount", "`umount DIRECTORY`" },
    { "findmnt", "`mount` alone lists the mounts" },
    { "dmesg journalctl syslog", "`log` shows the kernel's messages" },
    { "top htop pstree jobs", "`ps` lists the threads" },
    { "kill pkill killall fg bg wait nohup nice disown exec",
      "commands run one after another; ^C ends the one that runs" },
    { "vmstat", "`free` and `mem` show the memory" },
    { "halt shutdown init quit logout bye", "`poweroff` switches off, `reboot` starts again" },
    { "cls reset tput", "`clear` empties the screen" },
    { "env printenv", "`set` shows the variables" },
    { "export declare typeset local let readonly",
      "NAME=value sets a variable, for every command" },
    { "alias unalias", "a variable holds a command as well: L='ls -l', then $L" },
    { "if then else elif fi case esac test [ [[", "there is no `if`; && and || run what follows" },
    { "for while until do done break continue function return select",
      "there are no loops; `find` and patterns like *.c go through files" },
    { "xargs", "`find PATH -exec COMMAND {} +` gives a command its files" },
    { "printf", "`echo` writes words" },
    { "pushd popd dirs", "`cd -` goes back to the directory before" },
    { "nl", "`cat -n` numbers lines" },
    { "tac rev shuf", "`sort -r` turns an order round" },
    { "sync fsync", "nothing is held back: what was written is written" },
    { "tar cpio zip unzip gzip gunzip bzip2 xz zcat", "`mount IMAGE DIRECTORY` opens CD images" },
    { "mkfs mkisofs genisoimage", "file systems cannot be made here" },
    { "watch crontab at", "`sleep` waits" },
    { "apt apt-get yum dnf pacman apk make gcc cc",
      "what is here is all there is; `help` lists it" },
    { "ssh scp ftp wget curl ping ifconfig ip telnet nc", "there is no network" },
};

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    while (*words) {
        size_t end = 0;
        while (words[end] && words[end] != ' ')
            end++;
        if (text_equal_n(words, end, word, length))
            return true;
        words += end + (words[end] == ' ');
    }
    return false;
}

static const char *find_hint(const char *word)
{
    for (size_t i = 0; i < ARRAY_LENGTH(hints); i++)
        if (has_word(hints[i].words, word))
            return hints[i].instead;
    return NULL;
}

/* A path where a command should be: what is it, and how is it used here? */
static int say_path(struct shell *shell, const char *name)
{
    struct path *path;
    status_t status = path_walk(shell->directory, name, 0, &path);
    if (status) {
        (void)shell_fail(shell, name, status);
        return SHELL_NO_COMMAND;
    }
    const char *use = path_is_directory(path) ? "is a directory; `cd` goes there"
                                              : "is a file; `source` runs the commands in it";
    path_put(path);
    shell_complain(shell, "%s: %s", name, use);
    return SHELL_NO_COMMAND;
}

int command_not_found(struct shell *shell, const char *name)
{
    const char *hint = *name == '!' ? "the arrows and ^R bring lines back" : find_hint(name);
    if (strchr(name, '/') || text_equal(name, ".."))
        return say_path(shell, name);
    shell_complain(shell, "%s: no such command; %s", name, hint ? hint : "`help` lists them");
    return SHELL_NO_COMMAND;
}
