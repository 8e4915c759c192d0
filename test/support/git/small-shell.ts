import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { quoteWord } from '../../../src/lib/quote-word.ts'

interface SmallShell {
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  readonly lines: Interface
}

let shell: SmallShell | undefined
let turn: Promise<unknown> = Promise.resolve()
let count = 0

/**
 * Runs a script in a shell that lives as long as this process. To start a process costs the time to
 * copy the page tables of its parent, which is large for a process of vitest.
 * @param scratch a folder for files with the output
 * @throws the output if the script fails.
 */
export async function inSmallShell(
  scratch: string,
  env: Readonly<Record<string, string>>,
  script: string,
): Promise<string> {
  const files = join(scratch, `.shell-${count++}`)
  const variables = Object.entries(env).map(([name, value]) => quoteWord(`${name}=${value}`))
  const run = `env -i ${variables.join(' ')} /bin/sh -c ${quoteWord(script)}`
  const line = turn.then(() => nextLine(`${run} </dev/null >${files}.out 2>${files}.err; echo $?\n`))
  turn = line
  const status = await line
  const stdout = await readFile(`${files}.out`, 'utf8')
  if (status !== '0') throw new Error(`${script}: ${await readFile(`${files}.err`, 'utf8')}${stdout}`)
  return stdout.replace(/\n$/, '')
}

async function nextLine(command: string): Promise<string> {
  shell ??= start()
  const { child, lines } = shell
  const line = once(lines, 'line') as Promise<[string]>
  child.stdin.write(command)
  return (await line)[0]
}

function start(): SmallShell {
  const child = spawn('/bin/sh', { stdio: ['pipe', 'pipe', 'ignore'] })
  // It ends with this process, at the end of its input.
  child.unref()
  for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref(): void }).unref()
  return { child, lines: createInterface({ input: child.stdout }) }
}
