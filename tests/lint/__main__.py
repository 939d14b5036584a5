"""Checks what the compiler does not: the layout of README.md, circles, sizes and wording.

    lines      line, function and file lengths, assertions, #if, leftovers
    arrows     which folder may include and call which, and the size of folders
    circles    no two sources, and no two headers, that need each other
    english    wording that reads as translated
    documents  what README, CONTRIBUTING and the Book name exists

`make lint` runs all of them; each problem is one line, `file:line: problem`.
"""
import os
import sys

sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import arrows
import circles
import documents
import english
import lines
import tree


def main():
    os.chdir(tree.TOP)
    files = tree.read_files()
    make = tree.ask_make()
    links = circles.link_edges(make.objects)
    problems = [*lines.check(files, make.portable), *arrows.check(files, links),
                *circles.check(files, links), *english.check(files),
                *documents.check(files)]
    if problems:
        print("\n".join(problems))
        return 1
    print(f"lint: {len(files)} files checked, no problems")
    return 0


if __name__ == "__main__":
    sys.exit(main())
