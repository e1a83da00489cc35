/** Times for people, as they tell each other: "5 minutes ago". */
const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;
const LONGEST_DAYS = 30;

/** How long ago it was, in the largest unit that fits; the day itself when it is long past. */
export function ago(time: string, now: number, locale?: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.valueOf())) return time;
  const seconds = Math.max(0, (now - date.valueOf()) / 1000);
  if (seconds > LONGEST_DAYS * 86_400) return date.toLocaleDateString(locale, { dateStyle: 'medium' });
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? (['second', Infinity] as const);
  return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-Math.floor(seconds / length), unit);
}
