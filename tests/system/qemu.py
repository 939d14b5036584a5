"""A machine in QEMU: started, typed at, asked over QMP, and always ended.

    with Machine(append="log=warn", cdrom=path) as machine:
        machine.wait_prompt()
        lines = machine.command("ls /System")

The serial port is QEMU's stdin and stdout, QMP runs over a socket pair, so nothing has a name that
two tests could share. Every wait has a deadline and none sleeps; a wait that fails says what the
machine printed. A process is ended by its own handle when the `with` ends.
"""
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
ISO = os.path.join(BUILD, "spindle.iso")

QEMU = "qemu-system-x86_64"
BOOT_SECONDS = 60
COMMAND_SECONDS = 60
EXIT_SECONDS = 20
PROMPT = re.compile(rb"(?:\A|\n)spindle:([^\r\n]*)\$ \Z")
EMPTY = object()  # an optical drive without a disc


def qemu_status(code):
    """The exit status QEMU gives when the kernel ends with `poweroff CODE`."""
    return code * 2 + 1


def base_command(memory="64M", debug_exit=True):
    port = ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"] if debug_exit else []
    return [QEMU, "-accel", "tcg", "-m", memory, "-display", "none", "-monitor", "none",
            "-no-reboot", *port, "-nodefaults", "-vga", "std", "-serial", "stdio"]


def pvh_options(append, kernel=ELF):
    return ["-kernel", kernel, "-append", append]


def cdrom_options(cdrom):
    """The drive is the secondary master, as -cdrom makes it, and QMP knows it as `cdrom0`."""
    if cdrom is None:
        return []
    drive = "if=none,id=disc,media=cdrom"
    if cdrom is not EMPTY:
        drive += ",format=raw,file=" + os.fspath(cdrom).replace(",", ",,")
    return ["-drive", drive, "-device", "ide-cd,id=cdrom0,bus=ide.1,unit=0,drive=disc"]


class Machine:
    """append: PVH boot with this command line; append=None: the firmware boots from the disc.
    Another kernel may show another prompt."""

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
        """Takes in what the machine prints next; False at the end of its output."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
            self.fail(f"timeout waiting for {what}")
        data = os.read(self.process.stdout.fileno(), 65536)
        self.output += data
        self.all_output += data
        return bool(data)

    def wait_prompt(self, seconds=BOOT_SECONDS):
        """What was printed before the prompt; the working directory it shows is in `cwd`."""
        deadline = time.monotonic() + seconds
        while not (match := self.prompt.search(self.output[-5000:])):
            if not self.receive(deadline, "the prompt"):
                self.fail("the machine ended before the prompt")
        text = self.output[:len(self.output) - len(match.group().lstrip(b"\n"))]
        self.output = b""
        self.cwd = match.group(1).decode("utf-8")
        return text

    def wait_text(self, pattern, seconds=BOOT_SECONDS):
        """The match of a regular expression (bytes) in what was printed since the last prompt."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.output)):
            if not self.receive(deadline, repr(pattern)):
                self.fail(f"the machine ended before {pattern!r}")
        return match

    def type(self, text):
        self.process.stdin.write(text.encode("utf-8"))

    def command_bytes(self, text, seconds=COMMAND_SECONDS):
        """Types a line at the prompt; what it printed, the echo of the line taken off."""
        self.type(text + "\r")
        printed = self.wait_prompt(seconds)
        echo, end, rest = printed.partition(b"\r\n")
        if echo != text.encode("utf-8") or not end:
            self.fail(f"the echo of {text!r} is {echo!r}")
        return rest

    def command(self, text, seconds=COMMAND_SECONDS):
        """The same as a list of lines. Each must end CR LF."""
        printed = self.command_bytes(text, seconds)
        if printed and not printed.endswith(b"\r\n"):
            self.fail(f"the output of {text!r} does not end a line")
        return printed.decode("utf-8").split("\r\n")[:-1]

    def status(self):
        """$? of the last command."""
        lines = self.command("echo $?")
        assert len(lines) == 1, lines
        return int(lines[0])

    def manifest(self, path, seconds=COMMAND_SECONDS):
        """What `manifest PATH` prints, with the file format's line ends."""
        return self.command_bytes(f"manifest {path}", seconds).replace(b"\r\n", b"\n")

    def wait_command(self, text, accept, seconds=COMMAND_SECONDS):
        """Repeats a command until accept(lines): for what happens by itself, such as a mount."""
        deadline = time.monotonic() + seconds
        while True:
            lines = self.command(text)
            if accept(lines):
                return lines
            if time.monotonic() > deadline:
                self.fail(f"timeout: {text!r} still prints {lines}")

    # ---- the end

    def wait_exit(self, seconds=EXIT_SECONDS):
        """QEMU's exit status once the machine has ended by itself."""
        deadline = time.monotonic() + seconds
        while self.receive(deadline, "the end of the machine"):
            pass
        try:
            return self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return self.fail("timeout waiting for QEMU to exit")

    def lines(self):
        """All that was printed so far, as lines."""
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

    def qmp(self, name, **arguments):
        """Executes a QMP command; underscores in argument names stand for hyphens."""
        if not self.qmp_ready:
            assert "QMP" in self.qmp_line()
            self.qmp_send("qmp_capabilities", {})
            self.qmp_ready = True
        return self.qmp_send(name, {key.replace("_", "-"): value
                                    for key, value in arguments.items()})

    def eject(self):
        """As a person's fingernail does it: the drive's door lock is not asked."""
        self.qmp("eject", id="cdrom0", force=True)

    def insert(self, path):
        self.qmp("blockdev-change-medium", id="cdrom0", filename=os.fspath(path), format="raw")
