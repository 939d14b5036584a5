"""Runs Spindle in QEMU: types at the serial port, sends QMP commands, and always ends the process.

    with Machine(append="log=warn", cdrom=path) as machine:
        machine.wait_prompt()
        lines = machine.command("ls /System")

The serial port is QEMU's stdin and stdout, and QMP uses a socket pair, so two tests share no file
or port. Every wait has a deadline and none sleeps; a wait that fails shows what the machine
printed. The `with` statement ends its own process by its handle. """
import json
import os
import re
import select
import socket
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
ELF = os.path.join(BUILD, "spindle.elf")
BUILTIN = os.path.join(BUILD, "builtin.elf")  # with all driver objects
ISO = os.path.join(BUILD, "spindle.iso")

QEMU = "qemu-system-x86_64"
BOOT_SECONDS = 60
COMMAND_SECONDS = 60
EXIT_SECONDS = 20
PROMPT = re.compile(rb"(?:\A|\n)spindle:([^\r\n]*)\$ \Z")
EMPTY = object()  # an optical drive without a disc


def qemu_status(code):
    """Returns QEMU's exit status after `poweroff CODE`."""
    return code * 2 + 1


def base_command(memory="64M", debug_exit=True):
    port = ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"] if debug_exit else []
    return [QEMU, "-accel", "tcg", "-m", memory, "-display", "none", "-monitor", "none",
            "-no-reboot", *port, "-nodefaults", "-vga", "std", "-serial", "stdio"]


def pvh_options(append, kernel=ELF):
    return ["-kernel", kernel, "-append", append]


def cdrom_options(cdrom):
    """Returns options for a CD drive: secondary master, as with -cdrom; `cdrom0` in QMP."""
    if cdrom is None:
        return []
    if cdrom is EMPTY:
        return drive_options("")
    return drive_options(",format=raw,file=" + os.fspath(cdrom).replace(",", ",,"))


def drive_options(source):
    return ["-drive", "if=none,id=disc,media=cdrom" + source,
            "-device", "ide-cd,id=cdrom0,bus=ide.1,unit=0,drive=disc"]


def slow_drive(disc, bytes_per_second):
    """As cdrom_options(), with limited throughput."""
    return drive_options(f",format=raw,file={disc},throttling.bps-read={bytes_per_second}")


def bad_drive(disc, sector):
    """As cdrom_options(), with a sector (of 2048 bytes) that cannot be read."""
    return drive_options(f",format=raw,file.driver=blkdebug,file.image.driver=file,"
                         f"file.image.filename={disc},file.inject-error.0.event=read_aio,"
                         f"file.inject-error.0.sector={sector * 4},file.inject-error.0.errno=5")


class Machine:
    """append: boot by PVH with this command line. append=None: boot from the disc, by firmware.
    prompt: the regular expression of the prompt, for other kernels."""

    def __init__(self, append="", cdrom=None, memory="64M", options=(), debug_exit=True,
                 kernel=ELF, prompt=PROMPT):
        boot = ["-boot", "d"] if append is None else pvh_options(append, kernel)
        self.prompt = prompt
        self.output = b""  # since the last prompt that was waited for
        self.all_output = b""
        self.cwd = None
        ours, theirs = socket.socketpair()
        with theirs:
            self.qmp_file = ours.makefile("rwb")
            self.qmp_socket = ours
            number = theirs.fileno()
            monitor = ["-chardev", f"socket,id=qmp,fd={number}", "-mon", "qmp,mode=control"]
            command = base_command(memory, debug_exit) + boot + cdrom_options(cdrom) + monitor
            command += list(options)
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[number],
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                            bufsize=0)
        self.qmp_ready = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.qmp_file.close()
        self.qmp_socket.close()

    # ---- the serial port

    def fail(self, what):
        shown = self.all_output[-4000:].decode("utf-8", "replace")
        raise AssertionError(f"{what}; the machine printed:\n{shown}")

    def receive(self, deadline, what):
        """Waits for output and appends it to `output`. Returns False at its end."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
            self.fail(f"timeout waiting for {what}")
        data = os.read(self.process.stdout.fileno(), 65536)
        self.output += data
        self.all_output += data
        return bool(data)

    def wait_prompt(self, seconds=BOOT_SECONDS):
        """Returns what was printed before the prompt; sets `cwd` to the directory in the prompt."""
        deadline = time.monotonic() + seconds
        while not (match := self.prompt.search(self.output[-5000:])):
            if not self.receive(deadline, "the prompt"):
                self.fail("the machine ended before the prompt")
        text = self.output[:len(self.output) - len(match.group().lstrip(b"\n"))]
        self.output = b""
        self.cwd = match.group(1).decode("utf-8")
        return text

    def wait_text(self, pattern, seconds=BOOT_SECONDS):
        """Waits until a regular expression (bytes) matches the output since the last prompt.
        Returns the match."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.output)):
            if not self.receive(deadline, repr(pattern)):
                self.fail(f"the machine ended before {pattern!r}")
        return match

    def type(self, text):
        self.process.stdin.write(text.encode("utf-8"))

    def command_bytes(self, text, seconds=COMMAND_SECONDS):
        """Types a line at the prompt. Returns its output, without the echo of the line."""
        self.type(text + "\r")
        printed = self.wait_prompt(seconds)
        echo, end, rest = printed.partition(b"\r\n")
        if echo != text.encode("utf-8") or not end:
            self.fail(f"the echo of {text!r} is {echo!r}")
        return rest

    def command(self, text, seconds=COMMAND_SECONDS):
        """As command_bytes(), as a list of lines. Each line must end in CR LF."""
        printed = self.command_bytes(text, seconds)
        if printed and not printed.endswith(b"\r\n"):
            self.fail(f"the output of {text!r} does not end a line")
        return printed.decode("utf-8").split("\r\n")[:-1]

    def status(self):
        """Returns $? of the last command."""
        lines = self.command("echo $?")
        assert len(lines) == 1, lines
        return int(lines[0])

    def manifest(self, path, seconds=COMMAND_SECONDS):
        """Returns the output of `manifest PATH`, with LF line ends."""
        return self.command_bytes(f"manifest {path}", seconds).replace(b"\r\n", b"\n")

    def memory(self):
        """Returns [free pages, allocated bytes of the heap], after caches were reclaimed.

        A busy monitor starts helper threads (kernel/monitor.c). Each has a stack, and ends within
        seconds after the last event: waits for that.
        """
        self.wait_command("ps", lambda lines: sum("monitor" in line for line in lines) <= 2)
        self.command("mem --reclaim")
        text = "\n".join(self.command("mem"))
        return [int(re.search(rf"{name}: (\d+)", text).group(1))
                for name in ("free pages", "heap bytes")]

    def wait_command(self, text, accept, seconds=COMMAND_SECONDS):
        """Repeats a command until accept(lines), to wait for an asynchronous event, such as a
        mount. Returns the lines."""
        deadline = time.monotonic() + seconds
        while True:
            lines = self.command(text)
            if accept(lines):
                return lines
            if time.monotonic() > deadline:
                self.fail(f"timeout: {text!r} still prints {lines}")

    # ---- the end

    def wait_exit(self, seconds=EXIT_SECONDS):
        """Waits for QEMU to exit by itself. Returns its exit status."""
        deadline = time.monotonic() + seconds
        while self.receive(deadline, "the end of the machine"):
            pass
        try:
            return self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return self.fail("timeout waiting for QEMU to exit")

    def lines(self):
        """Returns all output so far, as lines."""
        return self.all_output.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")

    # ---- QMP

    def qmp_line(self):
        self.qmp_socket.settimeout(20)
        return json.loads(self.qmp_file.readline())

    def qmp_send(self, name, arguments):
        self.qmp_file.write(json.dumps({"execute": name, "arguments": arguments}).encode())
        self.qmp_file.flush()
        while True:
            answer = self.qmp_line()
            assert "error" not in answer, (name, arguments, answer)
            if "return" in answer:
                return answer["return"]

    def qmp_start(self):
        """QMP takes other commands only after this exchange."""
        if not self.qmp_ready:
            assert "QMP" in self.qmp_line()
            self.qmp_send("qmp_capabilities", {})
            self.qmp_ready = True

    def qmp(self, name, **arguments):
        """Executes a QMP command. Underscores in argument names become hyphens."""
        self.qmp_start()
        return self.qmp_send(name, {key.replace("_", "-"): value
                                    for key, value in arguments.items()})

    def inject_nmi(self):
        """The kernel panics at once, and QEMU may end before it has sent an answer, so none is
        read."""
        self.qmp_start()
        self.qmp_file.write(b'{"execute": "inject-nmi"}')
        self.qmp_file.flush()

    def eject(self):
        """Ejects the disc by force, like the emergency eject hole: the door lock is ignored."""
        self.qmp("eject", id="cdrom0", force=True)

    def insert(self, path):
        self.qmp("blockdev-change-medium", id="cdrom0", filename=os.fspath(path), format="raw")
