/*
 * exports.c - what loaded drivers may use of lib/ and kernel/, header by header. See export.h.
 *
 * The list is the kernel's promise to drivers: add a name when a driver needs it and its contract
 * in the header is complete. A name of the shell is in shell/exports.c.
 */
#include "kernel/module/export.h"
#include "kernel/log.h"
#include "kernel/port.h"
#include "kernel/sched/sync.h"
#include "lib/charset/charset.h"
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/inflate.h"
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
EXPORT(text_copy);
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
EXPORT(civil_to_seconds);
EXPORT(civil_valid);
EXPORT(seconds_to_civil);

/* lib/inflate.h */
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

/* kernel/log.h */
EXPORT(log_write);
