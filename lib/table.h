/*
 * table.h - tables that the linker assembles.
 *
 * Const descriptors (drivers, shell commands, self tests) are registered where they are defined:
 * the macro puts a pointer to the descriptor into a section named after the table, and the linker
 * provides the section's start and end. The structs themselves would have padding between the
 * files that contribute to the table. The order is that of linking, so descriptors that need
 * another have an explicit `order` field.
 *
 *     TABLE_ENTRY(shell_commands, struct shell_command, command_ls);
 *     TABLE_DECLARE(shell_commands, struct shell_command);
 *     table_each(entry, shell_commands, struct shell_command) (*entry)->...
 */
#ifndef LIB_TABLE_H
#define LIB_TABLE_H

#define TABLE_ENTRY(table, type, object) \
    __attribute__((used, retain, section(#table))) static const type *const table##_##object = \
        &(object)

#define TABLE_DECLARE(table, type) \
    extern const type *const __start_##table[]; \
    extern const type *const __stop_##table[]

#define table_each(entry, table, type) \
    for (const type *const *entry = __start_##table; entry < __stop_##table; entry++)

#endif
