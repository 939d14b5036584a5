"""Makes random scripts of the shell's grammar, the same for the same seed.

Each loop is bounded, and each word is made of parts whose meaning POSIX defines and dash implements.
$? is used only by itself: in a word after $(...), its value is not the same everywhere.
"""
import random
import re

NAMES = ["x", "y", "z", "_v1"]
TEXTS = ["a", "b c", "", "*", "1", "12", "a:b", " p  q ", "a.b.c", "-n", "x/y/z"]
PLAIN = ["a", "bc", "1", "x.y", "-", "0", "q,r", "foo"]
PATTERNS = ["*", "a*", "*b", "?", "[a-c]*", "[!a]*", "1?", "a|b", "''", "'*'", '"$x"', "$y", "*.*",
            "[[:alpha:]]*", "[[:digit:]]", "[![:alpha:]]*", "[[:digit:].a]*", "[]a]*", "[!]x-z]*"]
OPERATORS = ["-", ":-", "+", ":+", "=", ":=", "#", "##", "%", "%%"]
NUMBERS = ["0", "1", "2", "7", "-3", "010", "0x1f", "$n", "n"]
SEPARATORS = [":", "' '", "''", ".", "': '"]
OPTIONS = ["-a", "-b", "-bv", "-ac", "-cab", "--", "w", "-z", "-", "-b 'o p'", "-c"]
BINARY = ["+", "-", "*", "/", "%", "<", ">", "<=", ">=", "==", "!=", "&", "|", "^", "&&", "||", "<<"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.depth = 0
        self.loops = 0
        self.files = 0
        self.pipes = 0

    def pick(self, things):
        return self.random.choice(things)

    def chance(self, percent):
        return self.random.randrange(100) < percent

    # ---- words ------------------------------------------------------------------------------

    def number(self, depth=0):
        if depth > 2 or self.chance(40):
            return self.pick(NUMBERS)
        kind = self.random.randrange(9)
        if kind == 0:
            return f"({self.number(depth + 1)})"
        if kind == 3:
            operator = self.pick(["=", "+=", "-=", "*=", "|=", "&=", "^="])
            return f"(n {operator} {self.number(depth + 1)})"
        if kind == 1:
            return self.pick(["-", "!", "~", "+"]) + f"({self.number(depth + 1)})"
        if kind == 2:
            return f"({self.number(depth + 1)} ? {self.number(depth + 1)} : {self.number(depth + 1)})"
        operator = self.pick(BINARY)
        right = self.pick(["1", "2", "3"]) if operator in ("/", "%", "<<") else self.number(depth + 1)
        return f"({self.number(depth + 1)} {operator} {right})"

    def parameter(self, quoted, depth=0):
        name = self.pick(NAMES + ["1", "2", "@", "*", "#"])
        if name in ("@", "*", "#") or self.chance(40):
            return self.pick([f"${{{name}}}", f"${name}"])
        operator = self.pick(OPERATORS)
        if operator in ("=", ":=") and name.isdigit():
            operator = "-"
        if operator[0] in "#%":
            operand = self.pick(["*", "?", "a", "*b", "a*", "*.", ".*", "[ab]", "'a'", "$y", '"$x"',
                                 "[[:alpha:]]", "*[!a-c]"])
            if depth < 2 and self.chance(20):
                operand = self.parameter(quoted, depth + 1)
        else:
            operand = self.pick(["", "w", "a b", "$z", "*" if quoted else "k", "$(echo s t)"])
        return f"${{{name}{operator}{operand}}}"

    def substitution(self):
        # The other words of the command may list files: none are made in it.
        self.depth += 1
        self.pipes += 1
        text = self.commands(1)
        self.pipes -= 1
        self.depth -= 1
        return f"$( {text})"

    def part(self):
        kind = self.random.randrange(12)
        if kind < 4:
            return self.pick(PLAIN)
        if kind == 4:
            return f"'{self.pick(TEXTS)}'"
        if kind == 5:
            return f'"{self.pick(TEXTS)}"'
        if kind == 6:
            return f'"{self.parameter(True)}"'
        if kind == 7:
            return f'"{self.pick(PLAIN)} {self.parameter(True)}"'
        if kind == 8:
            return f"$(({self.number()}))"
        if kind == 9 and self.depth < 3:
            return self.substitution()
        if kind == 10 and self.depth < 3:
            return f'"{self.substitution()}"'
        return self.parameter(False)

    def word(self):
        parts = [self.part() for _ in range(self.pick([1, 1, 1, 2, 3]))]

        # After "$@", dash does not split other parts of the word as usual.
        alone = [part for part in parts if part.startswith('"') and "@" in part]
        return "".join(alone[:1] or parts)

    def words(self, most=3):
        return " ".join(self.word() for _ in range(self.random.randrange(most + 1)))

    def parameters(self):
        """The words of `set`. Two $@ in a loop double them, until they are more than Spindle takes."""
        while True:
            words = self.words(4)
            if len(re.findall(r"\$\{?[@*]", words)) < 2:
                return words

    # ---- commands ---------------------------------------------------------------------------

    def file(self):
        self.files += 1
        return f"o{self.files}"

    def parameter_in_document(self):
        # In the pattern of ${x%"$y"}, dash does not heed the quotes if it is in a here-document.
        return self.parameter(True).replace('"$x"', "$x")

    def document(self):
        """The lines of a here-document, quoted or not: what follows << and then the line."""
        if self.chance(20):
            return f"'E'\n{self.pick(TEXTS)} $x `y`\nE\n"
        return f"E\n{self.pick(TEXTS)} {self.parameter_in_document()} $(({self.number()}))\nE\n"

    def options(self):
        words = " ".join(self.pick(OPTIONS) for _ in range(1 + self.random.randrange(4)))
        letters = ":ab:c" if self.pipes else self.pick(["ab:c", ":ab:c", "abc"])
        return (f"OPTIND=1; while getopts {letters} o {words}; do echo \"$o $OPTARG\"; done; "
                "echo $OPTIND")

    def trapped(self):
        """A trap, with its signal. Elsewhere than in the shell itself, signals come at any time."""
        if self.depth or self.pipes:
            return f"( trap 'echo end {self.pick(PLAIN)}' EXIT; {self.simple()}\n)"
        signal = self.pick(["USR1", "INT", "TERM", "HUP"])
        action = self.pick(["'echo trap'", "'echo $x; x=t'", "''", '"set -- a b"', "'f; false'"])
        return f"trap {action} {signal}; kill -s {signal} $$; trap - {signal}"

    def rarer(self):
        kind = self.random.randrange(11)
        if kind == 0:
            text = self.pick(["echo al ", "printf '<%s>' 1 ", "f ", "al ", "if true; then echo"])
            return f"alias {self.pick(['al', 'be'])}=\"{text}\""
        if kind == 1:
            return self.pick(["al be x", "be al", "unalias al", "x=2 al y", "al; fi", "\\al"])
        if kind == 2:
            return self.options()
        if kind == 3:
            return self.trapped()
        if kind == 4:
            return f"printf '<%s>' $(cat <<{self.document()}) \"$(cat <<{self.document()})\"; echo"
        if kind == 5 and not self.pipes:
            return self.pick(["set -u", "set +u", "set -f", "set +f", "( set -e; false; echo no )"])
        if kind == 6:
            raw = self.pick(["", "-r "])
            return f"IFS={self.pick(SEPARATORS)} read {raw}x y z <<{self.document()}"
        if kind == 7:
            self.depth += 1
            text = self.commands(2)
            self.depth -= 1
            return f"{{ {text}\n}} & wait{self.pick(['', ' $!; echo $?'])}"
        if kind == 8:
            return "command " + self.pick([f"echo {self.words()}", "-v echo", "eval 'echo $x'", "f",
                                          "true", "false", f"printf '%s-' {self.word()}"])
        if kind == 9 and not self.pipes:
            name = self.file()
            return f"exec 3>{name}; echo {self.word()} >&3; exec 3>&-; cat {name}"
        return f"exec 4<<{self.document()}read x <&4; exec 4<&-; echo \"$x\""

    def simple(self):
        if self.depth < 3 and self.chance(12):
            return self.rarer()
        kind = self.random.randrange(16)
        if kind < 5:
            return f"printf '<%s>' {self.word()} {self.words()}; echo"
        if kind == 5:
            return f"{self.pick(NAMES)}={self.word()}"
        if kind == 6:
            return f"set -- {self.parameters()}"
        if kind == 7:
            return self.pick(["true", "false", ":", "(exit 3)", "! true", "! false", "echo $?"])
        if kind == 8:
            return f"[ \"{self.parameter(True)}\" {self.pick(['=', '!='])} {self.pick(['a', '1', chr(39) * 2])} ]"
        if kind == 9:
            return f"n={self.pick(NUMBERS[:5])}; echo $(({self.number()}))"
        if kind == 10:
            return f"IFS={self.pick(SEPARATORS)}"
        if kind == 11:
            return f"{self.pick(NAMES)}={self.word()} eval 'printf \"[%s]\" \"$x\" $y; echo'"
        if kind == 12 and self.loops:
            return self.pick(["break", "continue", "break 2", "continue 2"])
        if kind == 13:
            return self.pick([f"f {self.words()}", "f", f"g {self.word()}"])
        if kind == 14:
            return (f"read {self.pick(NAMES)} {self.pick(NAMES)} <<E\n"
                    f"{self.pick(TEXTS)} {self.parameter_in_document()}\nE\n")
        return f"unset {self.pick(NAMES)}"

    def body(self):
        self.depth += 1
        text = self.commands(3)
        self.depth -= 1
        return text

    def loop_body(self):
        self.loops += 1
        text = self.body()
        self.loops -= 1
        return text

    def loop(self, counter):
        keyword, operator = self.pick([("while", "-lt"), ("until", "-ge")])
        return (f"{counter}=0\n{keyword} [ \"${counter}\" {operator} 3 ]; do\n{counter}=$(({counter}+1))\n"
                f"{self.loop_body()}\ndone")

    def compound(self):
        kind = self.random.randrange(9)
        if kind == 0:
            return f"if {self.body()}\nthen {self.body()}\nelse {self.body()}\nfi"
        if kind == 1:
            return f"for {self.pick(NAMES)} in {self.words()}; do {self.loop_body()}\ndone"
        if kind == 2:
            return self.loop(f"i{self.depth}")
        if kind == 3:
            items = "".join(f"{self.pick(PATTERNS)}) {self.body()}\n;;\n" for _ in range(2))
            return f"case {self.word()} in\n{items}*) echo other;; esac"
        if kind == 4:
            return f"{{ {self.body()}\n}}"
        if kind == 5:
            return f"( {self.body()}\n)"
        if kind == 6:
            # Both sides run at the same time: neither makes files, which the other may list, and
            # the second one reads all, so that the first one can write its errors.
            self.pipes += 1
            text = f"{{ {self.body()}\n}} | {{ {self.body()}\ncat >/dev/null\n}}"
            self.pipes -= 1
            return text
        if kind == 7 and not self.pipes:
            name = self.file()
            return f"{{ {self.body()}\n}} >{name}; cat {name}"
        return f"cat <<{self.document()}"

    def command(self):
        if self.depth < 3 and self.chance(35):
            return self.compound()
        return self.simple()

    def commands(self, most):
        lines = []
        for _ in range(1 + self.random.randrange(most)):
            line = self.command()
            if "\n" not in line and ";" not in line and self.chance(25):
                line += self.pick([" && echo yes", " || echo no", " && false || echo or"])
            lines.append(line)
        return "\n".join(lines)

    def script(self):
        """Functions that do not call each other, and commands that call them."""
        parts = ["n=2; x=1; y='a b'; z=a.b.c; al() { echo al; }; be() { echo be; }"]
        for name in ("f", "g"):
            self.depth, self.loops = 1, 0
            text = "echo in $#"
            while self.chance(40):
                text += "\n" + self.pick([
                    f"local {self.pick(NAMES)}={self.pick(PLAIN)}", f"return {self.random.randrange(4)}",
                    f"echo {self.parameter(True)}", "shift $(($# > 0))", f"{self.pick(NAMES)}={self.word()}"])
            parts.append(f"{name}() {{\n{text}\n}}")
        self.depth = 0
        parts.append(self.commands(6))
        parts.append("printf '[%s]' \"$x\" \"$y\" \"$z\" \"$#\"; echo")
        return "\n".join(parts) + "\n"


def scripts(count, seed):
    return [Maker(f"{seed}/{number}").script() for number in range(count)]
