/*
 * exports.c - what loaded drivers may use of lib/ and kernel/, header by header. See export.h.
 *
 * The list is the kernel's promise to drivers: add a name when a driver needs it and its contract
 * in the header is complete. A name of the shell is in shell/exports.c.
 */
#include "kernel/module/export.h"
#include "kernel/bus/pci.h"
#include "kernel/bus/virtio.h"
#include "kernel/dev/device.h"
#include "kernel/dev/driver.h"
#include "kernel/dev/geometry.h"
#include "kernel/dev/io.h"
#include "kernel/dev/packet_queue.h"
#include "kernel/log.h"
#include "kernel/module/index.h"
#include "kernel/port.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/cache/cache.h"
#include "kernel/vfs/cache/pages.h"
#include "kernel/vfs/fsd.h"
#include "kernel/vfs/layout/changes.h"
#include "kernel/vfs/layout/check.h"
#include "kernel/vfs/layout/clusters.h"
#include "kernel/vfs/layout/name_index.h"
#include "kernel/vfs/layout/runs.h"
#include "kernel/vfs/layout/wide_name.h"
#include "kernel/vfs/layout/wipe.h"
#include "kernel/vfs/vfs.h"
#include "lib/charset/charset.h"
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/deflate/inflate.h"
#include "lib/digest/digest.h"
#include "lib/status.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"

/* lib/string.h */
EXPORT(memchr);
EXPORT(memcmp);
EXPORT(memcpy);
EXPORT(memmove);
EXPORT(memset);
EXPORT(strchr);
EXPORT(strcmp);
EXPORT(strlen);
EXPORT(strncmp);
EXPORT(strnlen);
EXPORT(strrchr);

/* lib/text.h */
EXPORT(text_all_digits);
EXPORT(text_copy);
EXPORT(text_copy_field);
EXPORT(text_count);
EXPORT(text_equal);
EXPORT(text_equal_fold);
EXPORT(text_equal_n);
EXPORT(text_hex_digit);
EXPORT(text_lower);
EXPORT(text_parse_signed);
EXPORT(text_parse_time);
EXPORT(text_parse_u64);
EXPORT(text_starts);

/* lib/format.h */
EXPORT(format_text);
EXPORT(format_text_v);

/* lib/utf8.h */
EXPORT(unicode_fold);
EXPORT(utf8_decode);
EXPORT(utf8_encode);
EXPORT(utf8_equal_folded);
EXPORT(utf8_hash_folded);
EXPORT(utf8_valid);

/* lib/charset/charset.h */
EXPORT(charset_decode);
EXPORT(charset_find);
EXPORT(charset_name);
EXPORT(charset_to_utf8);

/* lib/civil.h */
EXPORT(civil_format);
EXPORT(civil_parse_zone);
EXPORT(civil_to_seconds);
EXPORT(civil_valid);
EXPORT(seconds_to_civil);

/* lib/deflate/inflate.h */
EXPORT(inflate_begin);
EXPORT(inflate_byte);
EXPORT(inflate_feed);
EXPORT(inflate_run);
EXPORT(inflate_slide);
EXPORT(inflate_zlib);

/* lib/digest/digest.h */
EXPORT(digest_hex);
EXPORT(digest_init);
EXPORT(digest_kind_find);
EXPORT(digest_update);

/* lib/status.h */
EXPORT(status_name);
EXPORT(status_text);

/* kernel/port.h */
EXPORT(lock_rank_enter);
EXPORT(lock_rank_leave);
EXPORT(lock_rank_note);
EXPORT(lock_ranks_held);
EXPORT(mem_alloc);
EXPORT(mem_alloc_many);
EXPORT(mem_contiguous);
EXPORT(mem_free);
EXPORT(mem_physical);
EXPORT(mem_zalloc);
EXPORT(page_alloc);
EXPORT(page_alloc_low);
EXPORT(page_alloc_many);
EXPORT(page_free);
EXPORT(page_total_count);
EXPORT(panic);
EXPORT(spin_init);
EXPORT(spin_is_held);
EXPORT(spin_lock);
EXPORT(spin_try_lock);
EXPORT(spin_unlock);
EXPORT(thread_create);
EXPORT(thread_current);
EXPORT(thread_detach);
EXPORT(thread_interrupt);
EXPORT(thread_interrupted);
EXPORT(thread_join);
EXPORT(thread_park);
EXPORT(thread_sleep_until);
EXPORT(thread_unpark);
EXPORT(thread_yield);
EXPORT(time_now_us);
EXPORT(time_wall_s);

/* kernel/sched/sync.h */
EXPORT(mutex_init);
EXPORT(mutex_is_mine);
EXPORT(mutex_lock);
EXPORT(mutex_try_lock);
EXPORT(mutex_unlock);
EXPORT(semaphore_down);
EXPORT(semaphore_init);
EXPORT(semaphore_up);
EXPORT(wait_queue_init);
EXPORT(wait_queue_wait);
EXPORT(wait_queue_wait_interruptible);
EXPORT(wait_queue_wake_all);
EXPORT(wait_queue_wake_one);

/* kernel/bus/pci.h */
EXPORT(pci_bus);
EXPORT(pci_connect);
EXPORT(pci_disable);
EXPORT(pci_disconnect);
EXPORT(pci_enable);
EXPORT(pci_find_capability);
EXPORT(pci_function_of);
EXPORT(pci_map);
EXPORT(pci_read);
EXPORT(pci_unmap);
EXPORT(pci_write);

/* kernel/bus/scsi.h, kernel/bus/command_queue.h, kernel/dev/packet_queue.h */
EXPORT(command_queue_abort);
EXPORT(command_queue_done);
EXPORT(command_queue_recover);
EXPORT(command_queue_set_openings);
EXPORT(command_queue_start);
EXPORT(command_queue_stop);
EXPORT(command_queue_submit);
EXPORT(packet_queue_done);
EXPORT(packet_queue_start);
EXPORT(packet_queue_stop);
EXPORT(scsi_abort);
EXPORT(scsi_bus);
EXPORT(scsi_submit);
EXPORT(scsi_unit_of);

/* kernel/bus/virtio.h */
EXPORT(virtio_add_readable);
EXPORT(virtio_add_writable);
EXPORT(virtio_bus);
EXPORT(virtio_device_of);

/* kernel/log.h */
EXPORT(log_write);

/* kernel/dev/device.h */
EXPORT(class_bus);
EXPORT(class_cdrom);
EXPORT(class_control);
EXPORT(class_disk);
EXPORT(class_none);
EXPORT(class_virtual);
EXPORT(device_admits);
EXPORT(device_alias);
EXPORT(device_allow_opens);
EXPORT(device_automounts);
EXPORT(device_block_bytes);
EXPORT(device_bus_data);
EXPORT(device_by_class);
EXPORT(device_check);
EXPORT(device_child);
EXPORT(device_claim);
EXPORT(device_class);
EXPORT(device_class_number);
EXPORT(device_clear_medium);
EXPORT(device_close);
EXPORT(device_control);
EXPORT(device_create);
EXPORT(device_describe);
EXPORT(device_door_is_locked);
EXPORT(device_driver);
EXPORT(device_file_closed);
EXPORT(device_file_opened);
EXPORT(device_files_open);
EXPORT(device_find);
EXPORT(device_find_child);
EXPORT(device_find_number);
EXPORT(device_get);
EXPORT(device_halt);
EXPORT(device_has_data);
EXPORT(device_has_ops);
EXPORT(device_is_gone);
EXPORT(device_is_part);
EXPORT(device_is_read_only);
EXPORT(device_is_removable);
EXPORT(device_is_virtual);
EXPORT(device_label);
EXPORT(device_level);
EXPORT(device_medium);
EXPORT(device_name);
EXPORT(device_note_bad_block);
EXPORT(device_number);
EXPORT(device_open);
EXPORT(device_open_count);
EXPORT(device_parent);
EXPORT(device_parts_wanted);
EXPORT(device_path);
EXPORT(device_poll);
EXPORT(device_private);
EXPORT(device_publish);
EXPORT(device_publish_bus);
EXPORT(device_put);
EXPORT(device_put_later);
EXPORT(device_refuse_opens);
EXPORT(device_release);
EXPORT(device_remove);
EXPORT(device_root);
EXPORT(device_searches_parts);
EXPORT(device_set_door_locked);
EXPORT(device_set_medium);
EXPORT(device_set_traits);
EXPORT(device_traits);
EXPORT(device_want_parts);

/* kernel/dev/driver.h */
EXPORT(driver_next);
EXPORT(driver_put);

/* kernel/dev/io.h */
EXPORT(io_complete);
EXPORT(io_submit);
EXPORT(io_transfer_done);
EXPORT(io_transfer_finish);
EXPORT(io_wait);
EXPORT(io_zero);

/* kernel/dev/geometry.h */
EXPORT(block_bytes_valid);
EXPORT(geometry_bios);
EXPORT(geometry_derive);
EXPORT(geometry_size);

/* kernel/vfs/cache/pages.h */
EXPORT(pages_cut);
EXPORT(pages_get);
EXPORT(pages_make);

/* kernel/vfs/layout/changes.h */
EXPORT(changes_add_name);
EXPORT(changes_begin);
EXPORT(changes_commit);
EXPORT(changes_commit_mark);
EXPORT(changes_commits);
EXPORT(changes_create);
EXPORT(changes_destroy);
EXPORT(changes_end);
EXPORT(changes_name_waits);
EXPORT(changes_pending);
EXPORT(changes_read);
EXPORT(changes_read_medium);
EXPORT(changes_since_us);
EXPORT(changes_remove_name);
EXPORT(changes_write);

/* kernel/vfs/layout/name_index.h */
EXPORT(name_index_actual_name);
EXPORT(name_index_add);
EXPORT(name_index_child_info);
EXPORT(name_index_close_dir);
EXPORT(name_index_complete);
EXPORT(name_index_count);
EXPORT(name_index_find);
EXPORT(name_index_get);
EXPORT(name_index_insert);
EXPORT(name_index_lookup);
EXPORT(name_index_open_dir);
EXPORT(name_index_put);
EXPORT(name_index_read_dir);
EXPORT(name_index_remove);
EXPORT(name_index_replace);
EXPORT(name_index_status);
EXPORT(name_index_trim);

/* kernel/vfs/layout/check.h */
EXPORT(check_crossed);
EXPORT(check_found);
EXPORT(check_is_marked);
EXPORT(check_mark);
EXPORT(check_report_crossings);

/* kernel/vfs/layout/clusters.h */
EXPORT(clusters_available);
EXPORT(clusters_count);
EXPORT(clusters_find);
EXPORT(clusters_free_count);
EXPORT(clusters_freed);
EXPORT(clusters_give);
EXPORT(clusters_mark_free);
EXPORT(clusters_next_release);
EXPORT(clusters_release);
EXPORT(clusters_reserve);
EXPORT(clusters_settle);
EXPORT(clusters_start);
EXPORT(clusters_stop);
EXPORT(clusters_take);
EXPORT(clusters_unreserve);

/* kernel/vfs/layout/wide_name.h */
EXPORT(wide_name_encode);
EXPORT(wide_name_parse);

/* kernel/vfs/layout/wipe.h */
EXPORT(wipe_device);

/* kernel/vfs/layout/runs.h */
EXPORT(runs_add);
EXPORT(runs_append);
EXPORT(runs_cut);
EXPORT(runs_find);
EXPORT(runs_free);
EXPORT(runs_transfer);

/* kernel/vfs/cache/cache.h */
EXPORT(cache_destroy);
EXPORT(cache_read);
EXPORT(cache_update);

/* kernel/vfs/fsd.h */
EXPORT(device_cache_init);
EXPORT(fsd_check);
EXPORT(fsd_device);
EXPORT(fsd_discard);
EXPORT(fsd_request_ended);
EXPORT(fsd_submit);
EXPORT(vfs_io_complete);
EXPORT(vfs_io_submit);
EXPORT(vnode_loaded_info);
EXPORT(vnode_set_id);
EXPORT(vnode_unlinked);
EXPORT(vfs_io_submit_to);

/* kernel/module/index.h */
EXPORT(index_load_for_medium);
EXPORT(index_load_named);

/* kernel/vfs/vfs.h */
EXPORT(device_describe_volume);
EXPORT(device_identify);
EXPORT(device_mount_reason);
EXPORT(dir_read);
EXPORT(file_check);
EXPORT(file_close);
EXPORT(file_device);
EXPORT(file_finish);
EXPORT(file_flush);
EXPORT(file_has_refused_reader);
EXPORT(file_identify);
EXPORT(file_is_of);
EXPORT(file_is_written_back);
EXPORT(file_level);
EXPORT(file_open);
EXPORT(file_open_id);
EXPORT(file_open_path);
EXPORT(file_read);
EXPORT(file_read_at);
EXPORT(file_read_whole);
EXPORT(file_reserve);
EXPORT(file_seek);
EXPORT(file_set_size);
EXPORT(file_size);
EXPORT(file_take_error);
EXPORT(file_transfer);
EXPORT(file_truncate);
EXPORT(file_view);
EXPORT(file_view_close);
EXPORT(file_write);
EXPORT(file_write_all);
EXPORT(file_write_at);
EXPORT(mime_type);
EXPORT(path_child);
EXPORT(path_child_info);
EXPORT(path_control);
EXPORT(path_describe);
EXPORT(path_fsd);
EXPORT(path_get);
EXPORT(path_identify);
EXPORT(path_info);
EXPORT(path_is_directory);
EXPORT(path_is_inside);
EXPORT(path_is_live);
EXPORT(path_is_mount_point);
EXPORT(path_is_same);
EXPORT(path_is_unlinked);
EXPORT(path_parent);
EXPORT(path_put);
EXPORT(path_read_link);
EXPORT(path_rename);
EXPORT(path_root);
EXPORT(path_set_attributes);
EXPORT(path_set_modified);
EXPORT(path_set_times);
EXPORT(path_text);
EXPORT(path_text_copy);
EXPORT(path_vnode);
EXPORT(path_walk);
EXPORT(replace_abandon);
EXPORT(replace_begin);
EXPORT(replace_commit);
EXPORT(vfs_counts);
EXPORT(vfs_exchange_device);
EXPORT(vfs_finish);
EXPORT(vfs_memory_is_short);
EXPORT(vfs_mkdir);
EXPORT(vfs_mount);
EXPORT(vfs_mount_below);
EXPORT(vfs_mount_info);
EXPORT(vfs_remount);
EXPORT(vfs_rename);
EXPORT(vfs_sync);
EXPORT(vfs_sync_mark);
EXPORT(vfs_sync_since);
EXPORT(vfs_symlink);
EXPORT(vfs_unlink);
EXPORT(vfs_unmount);
EXPORT(vfs_unmount_device);
