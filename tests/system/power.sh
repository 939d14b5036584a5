# power.sh - what a machine writes to disk0 while its power is cut: run by power.py, which knows what
# must be on the disk after each line that this prints.
D=/Drives/disk0
step() { sync; echo "step $1"; }

mount -o rw disk0 || return
cp -r /System/Book $D/a
step copied

for n in $(seq 20); do
    echo "version $n" > $D/part
    sync $D/part
    mv $D/part $D/current
done
step renamed

for n in $(seq 20); do
    echo "line $n" >> $D/log
    sync $D/log
    echo "log $n"
done
step appended

cp -r /System $D/system
step system

mv $D/system $D/moved
rm -r $D/a
step removed

rm -r $D/moved &
cp -r /System/Book $D/b
wait
step replaced

umount disk0
echo "step unmounted"
