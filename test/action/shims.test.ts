import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatShims, writeShims } from '../../action/shims.ts'
import { tempFolder } from '../support/temp.ts'

describe('the command dray of the action', () => {
  it('passes arguments and the exit code, whatever the folder is called', async () => {
    const folder = join(await tempFolder(), `it's $(id) "100%" dir`)
    await mkdir(folder)
    const script = join(folder, 'dray.js')
    await writeFile(script, 'console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 3')
    writeShims(folder, process.execPath, script, 'linux')
    const args = ['', 'a b', `'"`, '$(id)', '*', 'x;y']
    const command = `"$SHIM" '' 'a b' "'\\"" '$(id)' '*' 'x;y'; echo $?`
    const env = { SHIM: join(folder, 'dray') }
    const output = execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8', env })
    expect(output).toBe(`${JSON.stringify(args)}\n3\n`)
  })

  it('exists for cmd, PowerShell and a POSIX shell on Windows', () => {
    const shims = formatShims(String.raw`C:\node 100%\node.exe`, String.raw`D:\it's\bin\dray.js`, 'win32')
    const texts = Object.fromEntries(shims.map(({ name, text }) => [name, text]))
    expect(texts).toEqual({
      dray: `#!/bin/sh\nexec 'C:/node 100%/node.exe' 'D:/it'\\''s/bin/dray.js' "$@"\n`,
      'dray.cmd': String.raw`@"C:\node 100%%\node.exe" "D:\it's\bin\dray.js" %*` + '\r\n',
      'dray.ps1': expect.stringContaining(
        String.raw`& 'C:\node 100%\node.exe' 'D:\it''s\bin\dray.js' @args`,
      ) as string,
    })
  })
})
