/**
 * Shows a dialog over everything, for {@attach}: with a focus trap, Escape and an inert page. What had the focus gets
 * it back: the browser itself does that only for a dialog that is closed before it is taken out of the page.
 */
export function modal(node: HTMLDialogElement): () => void {
  const before = document.activeElement;
  node.showModal();
  return () => {
    node.close();
    const lost = !document.activeElement || document.activeElement === document.body;
    if (lost && before instanceof HTMLElement) before.focus();
  };
}
