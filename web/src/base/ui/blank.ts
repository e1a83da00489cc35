/**
 * What shows nothing: spaces, control characters, what Unicode lets be ignored where no font knows it, and a Braille
 * cell without dots. As the server judges (internal/base/blank), so that what is taken here is taken there.
 */
const HIDDEN = /^[\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb]*$/u;

/** Whether nothing of a text is to be seen. */
export function isBlank(text: string): boolean {
  return HIDDEN.test(text);
}

/** A text without the spaces around it; empty when nothing of it is to be seen. */
export function trimmed(text: string): string {
  return isBlank(text) ? '' : text.trim();
}
