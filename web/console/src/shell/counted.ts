/** A title with a number in front, as far as there is something to count. */
export function counted(title: string, count: number): string {
  const plain = title.replace(/^\(\d+\+?\) /, "");
  return count === 0 ? plain : `(${count > 99 ? "99+" : count}) ${plain}`;
}
