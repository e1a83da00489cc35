/** The copy of a card that follows the pointer. Styled by script, which the content security policy allows. */
export class Ghost {
  readonly #node: HTMLElement;

  constructor(card: HTMLElement) {
    const box = card.getBoundingClientRect();
    const node = card.cloneNode(true) as HTMLElement;
    node.removeAttribute('data-id');
    node.removeAttribute('id');
    node.setAttribute('aria-hidden', 'true');
    node.inert = true;
    Object.assign(node.style, {
      position: 'fixed',
      left: `${box.left}px`,
      top: `${box.top}px`,
      width: `${box.width}px`,
      height: `${box.height}px`,
      pointerEvents: 'none',
      zIndex: '50',
      rotate: '1.5deg',
      borderRadius: 'var(--radius-box)',
      boxShadow: 'var(--shadow-float)',
    });
    document.body.append(node);
    this.#node = node;
  }

  move(x: number, y: number): void {
    this.#node.style.transform = `translate(${x}px, ${y}px)`;
  }

  remove(): void {
    this.#node.remove();
  }
}
