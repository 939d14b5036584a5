/*
 * table.h - the values of entries of the file allocation table, as those of FAT32.
 *
 * References  Microsoft FAT specification 1.03, 4.
 */
#ifndef FS_FAT_TABLE_H
#define FS_FAT_TABLE_H

#define ENTRY_FREE 0u
#define ENTRY_MASK 0x0fffffffu
#define ENTRY_BAD 0x0ffffff7u /* the cluster is damaged */
#define ENTRY_END 0x0ffffff8u /* and above: the last cluster of its file */
#define ENTRY_LAST 0x0fffffffu /* what is written for it */

#endif
