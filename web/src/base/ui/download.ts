/** Hands a file to the browser's downloads. */
export function save(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download reads the address after the press has ended.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
