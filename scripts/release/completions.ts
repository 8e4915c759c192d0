import { readScript, type shells } from '../../src/cli/completion/shells.ts'

type Shell = (typeof shells)[number]

/** The file of each completion script in an archive. A shell finds a script by such a name. */
const names: Readonly<Record<Shell, string>> = {
  bash: 'dray.bash',
  zsh: '_dray',
  fish: 'dray.fish',
  powershell: 'dray.ps1',
}

/** The paths at which the shells of Debian search for a script. */
const installedPaths: Readonly<Partial<Record<Shell, string>>> = {
  bash: 'usr/share/bash-completion/completions/dray',
  zsh: 'usr/share/zsh/vendor-completions/_dray',
  fish: 'usr/share/fish/vendor_completions.d/dray.fish',
}

/** Returns the scripts that `dray completion SHELL` prints, by the names of their files. */
export async function readCompletionFiles(): Promise<ReadonlyMap<string, string>> {
  return await readScripts(names)
}

/** Returns the scripts by their paths in a Debian package and in the image. */
export async function readInstalledCompletions(): Promise<ReadonlyMap<string, string>> {
  return await readScripts(installedPaths)
}

async function readScripts(
  paths: Readonly<Partial<Record<Shell, string>>>,
): Promise<ReadonlyMap<string, string>> {
  const scripts = new Map<string, string>()
  for (const [shell, path] of Object.entries(paths)) scripts.set(path, await readScript(shell as Shell))
  return scripts
}
