import { readScript, type shells } from '../../src/cli/completion/shells.ts'

/** The file of each completion script in an archive. A shell finds a script by such a name. */
const names: Readonly<Record<(typeof shells)[number], string>> = {
  bash: 'dray.bash',
  zsh: '_dray',
  fish: 'dray.fish',
  powershell: 'dray.ps1',
}

/** The scripts that `dray completion SHELL` prints, by the names of their files. */
export async function completionFiles(): Promise<ReadonlyMap<string, string>> {
  const shellNames = Object.keys(names) as (keyof typeof names)[]
  return new Map(
    await Promise.all(
      shellNames.map(async (shell): Promise<[string, string]> => [names[shell], await readScript(shell)]),
    ),
  )
}
