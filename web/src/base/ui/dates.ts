/** Dates for people. A due date is a plain day without a time zone: "2026-11-24". */

/** Today as a day of the reader's own calendar. */
export function today(now = new Date()): string {
  const pad = (n: number) => String(n).padStart(2, '0');
  return `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
}

/** "Nov 24", with the year where it is not this one. */
export function shortDay(day: string, now = new Date(), locale?: string): string {
  const date = new Date(`${day}T00:00:00`);
  if (Number.isNaN(date.valueOf())) return day;
  const year = date.getFullYear() === now.getFullYear() ? undefined : 'numeric';
  return date.toLocaleDateString(locale, { month: 'short', day: 'numeric', year });
}

/** "24 Nov 2026, 14:05" in the reader's own form. */
export function moment(time: string, locale?: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.valueOf())) return time;
  return date.toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' });
}
