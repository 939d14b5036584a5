/*
 * exports.c - what loaded drivers may use of the shell: commands are registered with
 * SHELL_COMMAND(), read their options and write to their streams. See kernel/module/export.h.
 */
#include "kernel/module/export.h"
#include "kernel/monitor.h"
#include "lib/date.h"
#include "lib/digest/crc32.h"
#include "lib/identify/identify.h"
#include "lib/partition/decode.h"
#include "lib/text.h"
#include "lib/zone.h"
#include "shell/commands/discs/device_report.h"
#include "shell/language/descriptor.h"
#include "shell/language/output_file.h"
#include "shell/language/run.h"
#include "shell/language/signals.h"
#include "shell/options.h"
#include "shell/pattern.h"
#include "shell/real.h"
#include "shell/reading/id_set.h"
#include "shell/reading/input.h"
#include "shell/reading/listing.h"
#include "shell/reading/mounts.h"
#include "shell/reading/paths.h"
#include "shell/reading/show.h"
#include "shell/reading/sort_list.h"
#include "shell/reading/version.h"
#include "shell/reading/walk.h"
#include "shell/regex/regex.h"
#include "shell/shell.h"
#include "shell/stream.h"
#include "shell/words.h"

/* shell/shell.h */
EXPORT(shell_ask);
EXPORT(shell_complain);
EXPORT(shell_copy);
EXPORT(shell_destroy);
EXPORT(shell_fail);
EXPORT(shell_fail_with);
EXPORT(shell_interrupted);
EXPORT(shell_out_is_terminal);
EXPORT(shell_read);
EXPORT(shell_usage);
EXPORT(shell_variable);

/* shell/stream.h */
EXPORT(stream_escaped);
EXPORT(stream_flush);
EXPORT(stream_format);
EXPORT(stream_init);
EXPORT(stream_text);
EXPORT(stream_write);

/* shell/options.h */
EXPORT(option_given);
EXPORT(option_given_name);
EXPORT(option_is_last);
EXPORT(option_last);
EXPORT(option_number);
EXPORT(option_number_name);
EXPORT(option_value);
EXPORT(option_value_name);
EXPORT(option_place_name);
EXPORT(option_values);
EXPORT(option_values_name);
EXPORT(shell_number);

/* shell/pattern.h */
EXPORT(glob_matches_text);

/* lib/date.h, zone.h */
EXPORT(date_format);
EXPORT(date_format_in);
EXPORT(date_format_ns);
EXPORT(zone_from_local);
EXPORT(zone_offset);
EXPORT(zone_parse);

/* shell/real.h */
EXPORT(real_parse);
EXPORT(real_print);

/* shell/reading/input.h */
EXPORT(input_close);
EXPORT(input_each);
EXPORT(input_line);
EXPORT(input_one);
EXPORT(input_open);
EXPORT(input_part);
EXPORT(input_piece);

/* shell/language/descriptor.h */
EXPORT(descriptor_create);
EXPORT(descriptor_put);
EXPORT(descriptor_set_text);

/* shell/reading/walk.h */
EXPORT(walk_begin);
EXPORT(walk_end);
EXPORT(walk_next);
EXPORT(walk_path);
EXPORT(walk_skipped);

/* shell/reading/id_set.h, listing.h, paths.h, show.h, sort_list.h, version.h */
EXPORT(base_name);
EXPORT(id_set_add);
EXPORT(id_set_destroy);
EXPORT(join_path);
EXPORT(mode_text);
EXPORT(name_look);
EXPORT(names_add);
EXPORT(names_by_text);
EXPORT(names_collect);
EXPORT(names_free);
EXPORT(names_next);
EXPORT(shell_end_skipped);
EXPORT(shell_fail_below);
EXPORT(size_text);
EXPORT(sort_list);
EXPORT(space_text);
EXPORT(version_compare);

/* shell/words.h */
EXPORT(buffer_clear);
EXPORT(buffer_free);
EXPORT(buffer_put);
EXPORT(list_may_grow);
EXPORT(words_add);
EXPORT(words_copy_list);
EXPORT(words_free);
EXPORT(words_sort);

/* shell/regex/regex.h */
EXPORT(regex_create);
EXPORT(regex_destroy);
EXPORT(regex_find);
EXPORT(regex_find_groups);
EXPORT(regex_group_count);
EXPORT(regex_matches);

/* shell/language/output_file.h */
EXPORT(output_file_abandon);
EXPORT(output_file_close);
EXPORT(output_file_open);
EXPORT(output_file_stream);

/* shell/language/run.h, signals.h */
EXPORT(shell_run_command);
EXPORT(shell_run_found);
EXPORT(shell_run_text);
EXPORT(signal_find);
EXPORT(signal_name);
EXPORT(thread_clear_interrupt);

/* lib, kernel, shell/reading/mounts.h, shell/commands/discs/device_report.h: what commands for
 * devices and the files on them use */
EXPORT(crc32_add);
EXPORT(decoder_set_sector);
EXPORT(device_report_medium);
EXPORT(gpt_entries_check);
EXPORT(gpt_header_read);
EXPORT(identify_text);
EXPORT(monitor_look_again);
EXPORT(monitor_wait_idle);
EXPORT(mounts_find_device);
EXPORT(mounts_of_device);
EXPORT(partition_scheme_name);
EXPORT(partition_table_read);
EXPORT(text_upper);
