import { DrayError } from '../../lib/errors.ts'

/** The shells that have a completion script. */
export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const

type Shell = (typeof shells)[number]

export function findShell(name: string | undefined): Shell | undefined {
  return shells.find((shell) => shell === name)
}

/** The script that the shell evaluates. */
export async function readScript(shell: Shell): Promise<string> {
  switch (shell) {
    case 'bash':
      return (await import('./scripts/bash.ts')).bashScript
    case 'zsh':
      return (await import('./scripts/zsh.ts')).zshScript
    case 'fish':
      return (await import('./scripts/fish.ts')).fishScript
    case 'powershell':
      return (await import('./scripts/powershell.ts')).powershellScript
  }
}

/** @param login the path of the user's shell, which the hint names if it has a script */
export function missingShell(login: string | undefined): DrayError {
  const own = findShell(login?.slice(login.lastIndexOf('/') + 1))
  return new DrayError('usage', 'completion needs the name of a shell', {
    why: `The shells are ${shells.slice(0, -1).join(', ')} and ${shells.at(-1)}.`,
    hint: `Run "dray completion ${own ?? 'bash'}".`,
  })
}
