/*
 * command_not_found.c - what to type instead of a command of other systems; see
 * command_not_found.h.
 */
#include "shell/command_not_found.h"
#include "kernel/module/catalog.h"
#include "kernel/module/index.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* Each command name appears once; `names` are separated by blanks. */
static const struct suggestion {
    const char *names, *text;
} suggestions[] = {
    { "sh bash dash zsh ksh csh ash", "`source FILE` runs the commands in a file" },
    { "less pg most view", "`more FILE` shows text a screenful at a time" },
    { "man info apropos whatis", "`help COMMAND` describes a command, `book` everything else" },
    { "which whereis builtin", "`type NAME` describes a command" },
    { "vi vim nvim nano emacs ed ex pico joe",
      "there is no editor; `cat > FILE` writes the lines that you type, up to ^D" },
    { "awk perl python python3",
      "text tools are `grep`, `sed`, `cut`, `tr`, `sort` and others" },
    { "dir vdir ll la l", "`ls -l` lists a directory" },
    { "hd", "`hexdump -C FILE` shows bytes" },
    { "bc dc jot factor", "$((...)) calculates, `while` counts" },
    { "arch lscpu nproc", "the first lines of `log` describe the system" },
    { "lsof fuser", "`umount` and `eject` name what is in use" },
    { "cdrecord wodim growisofs burn", "discs are read only" },
    { "sum crc32 b2sum sha224sum sha384sum",
      "use `md5sum`, `sha1sum`, `sha256sum` or `sha512sum`" },
    { "locate", "use `find DIRECTORY -name PATTERN`" },
    { "unlink del erase", "use `rm FILE`" },
    { "copy", "use `cp FROM TO`" },
    { "move ren rename", "use `mv FROM TO`" },
    { "chown chgrp su sudo doas id whoami who w login passwd",
      "there are no users and no permissions" },
    { "lsblk lspci lsusb lsmod lsscsi lshw hwinfo blkid",
      "`devices` shows the device tree" },
    { "fdisk sfdisk gdisk sgdisk cfdisk parted", "`partition DISK` shows and changes partitions" },
    { "isoinfo isovfy xorriso",
      "`volinfo DEVICE` describes a volume, `manifest` lists its files" },
    { "losetup hdiutil kpartx",
      "`vdrive add IMAGE` makes a drive of an image; `mount IMAGE DIRECTORY` also mounts it" },
    { "unmount", "use `umount DIRECTORY`" },
    { "findmnt", "`mount` without arguments lists the mounts" },
    { "dmesg journalctl syslog", "`log` shows the kernel's messages" },
    { "top htop pstree", "`ps` lists the threads" },
    { "pkill killall nohup nice disown", "`jobs` lists the background jobs, `kill %1` ends one" },
    { "vmstat", "`free` and `mem` show the use of memory" },
    { "halt shutdown init quit logout bye", "`poweroff` switches off, `reboot` restarts" },
    { "cls reset tput", "`clear` clears the screen" },
    { "env printenv", "`set` shows the variables" },
    { "declare typeset", "NAME=value sets a variable, `local NAME` in a function" },
    { "let", "use $((...))" },
    { "[[", "use `[ ... ]`" },
    { "function", "NAME() { ...; } defines a function" },
    { "select", "use `read` and `case`" },
    { "pushd popd dirs", "`cd -` returns to the previous directory" },
    { "shuf", "`sort -r` sorts in reverse order" },
    { "fsync fdatasync", "`sync FILE` writes the bytes of a file to its disk" },
    { "zip unzip bzip2 bunzip2 bzcat xz unxz xzcat zstd 7z",
      "`tar`, `cpio` and `zcat` read archives, packed by gzip or not" },
    { "fsck fsck.fat chkdsk", "`check` finds errors in a file system" },
    { "mkfs mkfs.fat mkdosfs newfs", "`format` makes a file system on a device" },
    { "mkisofs genisoimage xorriso", "discs cannot be created" },
    { "crontab at", "`sleep` waits" },
    { "apt apt-get yum dnf pacman apk make gcc cc",
      "no software can be installed; `help` lists the commands" },
    { "ssh scp ftp wget curl ping ifconfig ip telnet nc", "there is no network" },
};

static bool has_name(const char *names, const char *name)
{
    size_t length = strlen(name);
    while (*names) {
        size_t end = 0;
        while (names[end] && names[end] != ' ')
            end++;

        /* The blank that ends a name is skipped with it. The last name has none. */
        if (text_equal_n(names, end, name, length))
            return true;
        names += end + (names[end] == ' ');
    }
    return false;
}

/* A path where a command should be: reports what it is, and how to use it. Returns the status. */
static int report_path(struct shell *shell, const char *name)
{
    struct path *path;
    status_t status = path_walk(shell->directory, name, 0, &path);
    if (status) {
        (void)shell_fail(shell, name, status);
        return SHELL_NO_COMMAND;
    }

    /* Other shells would change directory or run the file. Here that takes a command. */
    const char *use = path_is_directory(path) ? "is a directory; use `cd` to change to it"
                                              : "is a file; use `source` to run its commands";
    path_put(path);
    shell_complain(shell, "%s: %s", name, use);
    return SHELL_NOT_EXECUTABLE;
}

int command_not_found(struct shell *shell, const char *name, status_t status)
{
    /* A word with a slash cannot be a command: commands are found by name only. */
    if (strchr(name, '/') || text_equal(name, "..")) {
        return report_path(shell, name);
    }

    if (status != -ENOENT) {
        int result = shell_fail_with(shell, status, "%s: cannot load its object from %s", name,
                                     CATALOG_FOLDER);
        return result == SHELL_INTERRUPTED ? result : SHELL_NO_COMMAND;
    }

    /* The rest of the system works without its disc, but not the commands that are loaded. */
    if (index_command_is_known(name)) {
        shell_complain(shell, "%s: command not found; it is on the boot disc, in %s", name,
                       CATALOG_FOLDER);
        return SHELL_NO_COMMAND;
    }

    /* `!!` and the like are how other shells repeat a line. */
    const char *text = *name == '!' ? "the arrow keys and ^R recall lines" : NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(suggestions) && !text; i++)
        if (has_name(suggestions[i].names, name))
            text = suggestions[i].text;
    shell_complain(shell, "%s: command not found; %s", name,
                   text ? text : "`help` lists the commands");
    return SHELL_NO_COMMAND;
}
