const GAP = 4;
const EDGE = 8;

/**
 * Puts a popover under its button, or above it where there is more room, and inside the viewport in any case.
 * The popover must be shown already, or it has no size.
 */
export function place(popover: HTMLElement, anchor: HTMLElement, align: 'start' | 'end' = 'start'): void {
  const button = anchor.getBoundingClientRect();
  const width = Math.min(popover.offsetWidth, innerWidth - 2 * EDGE);
  const below = innerHeight - button.bottom - GAP - EDGE;
  const above = button.top - GAP - EDGE;
  const up = popover.scrollHeight > below && above > below;

  const wanted = align === 'end' ? button.right - width : button.left;
  const left = Math.max(EDGE, Math.min(wanted, innerWidth - EDGE - width));
  popover.style.left = `${left}px`;
  popover.style.maxHeight = `${Math.max(120, up ? above : below)}px`;
  if (up) {
    popover.style.top = 'auto';
    popover.style.bottom = `${innerHeight - button.top + GAP}px`;
  } else {
    popover.style.bottom = 'auto';
    popover.style.top = `${button.bottom + GAP}px`;
  }
}

/** Which of n entries the keys lead to; null for a key that is not about moving. */
export function step(key: string, at: number, n: number): number | null {
  if (n === 0) return null;
  switch (key) {
    case 'ArrowDown':
      return (at + 1) % n;
    case 'ArrowUp':
      return (at - 1 + n) % n;
    case 'Home':
      return 0;
    case 'End':
      return n - 1;
    default:
      return null;
  }
}
