"""Makes random scripts of the shell's grammar, the same for the same seed.

Each loop is bounded, and each word is made of parts whose meaning POSIX defines and dash implements.
$? is used only by itself: in a word after $(...), its value is not the same everywhere.
"""
import random

NAMES = ["x", "y", "z", "_v1"]
TEXTS = ["a", "b c", "", "*", "1", "12", "a:b", " p  q ", "a.b.c", "-n", "x/y/z"]
PLAIN = ["a", "bc", "1", "x.y", "-", "0", "q,r", "foo"]
PATTERNS = ["*", "a*", "*b", "?", "[a-c]*", "[!a]*", "1?", "a|b", "''", "'*'", '"$x"', "$y", "*.*"]
OPERATORS = ["-", ":-", "+", ":+", "=", ":=", "#", "##", "%", "%%"]
NUMBERS = ["0", "1", "2", "7", "-3", "010", "0x1f", "$n", "n"]
BINARY = ["+", "-", "*", "/", "%", "<", ">", "<=", ">=", "==", "!=", "&", "|", "^", "&&", "||", "<<"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.depth = 0
        self.loops = 0
        self.files = 0

    def pick(self, things):
        return self.random.choice(things)

    def chance(self, percent):
        return self.random.randrange(100) < percent

    # ---- words ------------------------------------------------------------------------------

    def number(self, depth=0):
        if depth > 2 or self.chance(40):
            return self.pick(NUMBERS)
        kind = self.random.randrange(8)
        if kind == 0:
            return f"({self.number(depth + 1)})"
        if kind == 1:
            return self.pick(["-", "!", "~", "+"]) + f"({self.number(depth + 1)})"
        if kind == 2:
            return f"({self.number(depth + 1)} ? {self.number(depth + 1)} : {self.number(depth + 1)})"
        operator = self.pick(BINARY)
        right = self.pick(["1", "2", "3"]) if operator in ("/", "%", "<<") else self.number(depth + 1)
        return f"({self.number(depth + 1)} {operator} {right})"

    def parameter(self, quoted):
        name = self.pick(NAMES + ["1", "2", "@", "*", "#"])
        if name in ("@", "*", "#") or self.chance(40):
            return self.pick([f"${{{name}}}", f"${name}"])
        operator = self.pick(OPERATORS)
        if operator in ("=", ":=") and name.isdigit():
            operator = "-"
        if operator[0] in "#%":
            operand = self.pick(["*", "?", "a", "*b", "a*", "*.", ".*", "[ab]", "'a'", "$y", '"$x"'])
        else:
            operand = self.pick(["", "w", "a b", "$z", "*" if quoted else "k", "$(echo s t)"])
        return f"${{{name}{operator}{operand}}}"

    def substitution(self):
        self.depth += 1
        text = self.commands(1)
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
        return "".join(self.part() for _ in range(self.pick([1, 1, 1, 2, 3])))

    def words(self, most=3):
        return " ".join(self.word() for _ in range(self.random.randrange(most + 1)))

    # ---- commands ---------------------------------------------------------------------------

    def simple(self):
        kind = self.random.randrange(16)
        if kind < 5:
            return f"printf '<%s>' {self.word()} {self.words()}; echo"
        if kind == 5:
            return f"{self.pick(NAMES)}={self.word()}"
        if kind == 6:
            return f"set -- {self.words(4)}"
        if kind == 7:
            return self.pick(["true", "false", ":", "(exit 3)", "! true", "! false", "echo $?"])
        if kind == 8:
            return f"[ \"{self.parameter(True)}\" {self.pick(['=', '!='])} {self.pick(['a', '1', chr(39) * 2])} ]"
        if kind == 9:
            return f"n={self.pick(NUMBERS[:5])}; echo $(({self.number()}))"
        if kind == 10:
            return f"IFS={self.pick([':', ' ', chr(39) * 2, '.', chr(39) + ': ' + chr(39)])}"
        if kind == 11:
            return f"{self.pick(NAMES)}={self.word()} eval 'printf \"[%s]\" \"$x\" $y; echo'"
        if kind == 12 and self.loops:
            return self.pick(["break", "continue", "break 2", "continue 2"])
        if kind == 13:
            return self.pick([f"f {self.words()}", "f", f"g {self.word()}"])
        if kind == 14:
            return f"read {self.pick(NAMES)} {self.pick(NAMES)} <<E\n{self.pick(TEXTS)} {self.parameter(True)}\nE\n"
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
            return f"{{ {self.body()}\n}} | {{ {self.body()}\n}}"
        if kind == 7:
            # A file of its own: both sides of a pipe may contain such a group.
            self.files += 1
            name = f"o{self.files}"
            return f"{{ {self.body()}\n}} >{name}; cat {name}"
        return f"cat <<E\n{self.pick(TEXTS)} {self.parameter(True)} $(({self.number()}))\nE\n"

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
        parts = ["n=2; x=1; y='a b'; z=a.b.c"]
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
