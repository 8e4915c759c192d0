import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Shim {
  readonly name: string
  readonly text: string
}

/**
 * Returns the files that run a script on a Node as the command `dray`: for a POSIX shell, and on
 * Windows also for cmd and PowerShell.
 */
export function formatShims(node: string, script: string, platform: string): readonly Shim[] {
  const isWindows = platform === 'win32'
  // The shell of Git for Windows takes both separators, but not a backslash before a quote.
  const inShell = (path: string): string =>
    `'${(isWindows ? path.replaceAll('\\', '/') : path).replaceAll("'", String.raw`'\''`)}'`
  const posix = { name: 'dray', text: `#!/bin/sh\nexec ${inShell(node)} ${inShell(script)} "$@"\n` }
  if (!isWindows) return [posix]
  const inCmd = (path: string): string => `"${path.replaceAll('%', '%%')}"`
  const inPowerShell = (path: string): string => `'${path.replaceAll("'", "''")}'`
  const call = `& ${inPowerShell(node)} ${inPowerShell(script)} @args`
  return [
    posix,
    { name: 'dray.cmd', text: `@${inCmd(node)} ${inCmd(script)} %*\r\n` },
    {
      name: 'dray.ps1',
      text: `if ($MyInvocation.ExpectingInput) { $input | ${call} } else { ${call} }\r\nexit $LASTEXITCODE\r\n`,
    },
  ]
}

/** Writes the command `dray` to a folder. @throws errors of the file system */
export function writeShims(folder: string, node: string, script: string, platform: string): void {
  for (const { name, text } of formatShims(node, script, platform)) {
    const file = join(folder, name)
    writeFileSync(file, text)
    chmodSync(file, 0o755)
  }
}
