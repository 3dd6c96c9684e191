/** A problem's first line of prose as its title, without the mark that prompts put before it. */
export function problemTitle(prompt: string | null, fallback: string): string {
  if (prompt === null) return fallback;
  for (const line of prompt.split('\n')) {
    const text = line.replace(/^(Task:|[#\s"'<>|*]+)/, '').trim();
    if (text.length > 8 && !/^(assert|def|import|from|class|```)\b/.test(text)) return text;
  }
  return fallback;
}
