import { afterEach, expect, it } from 'vitest';
import { modal } from './modal';

// jsdom knows the element but not its methods.
function shown(): HTMLDialogElement {
  const node = document.createElement('dialog');
  node.innerHTML = '<button>inside</button>';
  Object.assign(node, { showModal: () => node.querySelector('button')!.focus(), close: () => undefined });
  document.body.append(node);
  return node;
}

function field(): HTMLElement {
  const node = document.createElement('input');
  document.body.append(node);
  return node;
}

afterEach(() => document.body.replaceChildren());

it('gives the focus back when the dialog is taken out of the page', () => {
  const before = field();
  before.focus();
  const dialog = shown();
  const end = modal(dialog);
  expect(document.activeElement).not.toBe(before);
  dialog.remove();
  end();
  expect(document.activeElement).toBe(before);
});

it('leaves the focus where something else has taken it', () => {
  field().focus();
  const dialog = shown();
  const end = modal(dialog);
  const next = field();
  dialog.remove();
  next.focus();
  end();
  expect(document.activeElement).toBe(next);
});
