import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Git } from '../../../src/deployments/git/process/git.ts'
import type { GitPorts } from '../../../src/deployments/git/process/git-ports.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { errorOf } from '../../support/git/error-of.ts'
import { notedCall } from '../../support/http-world.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tempFolder } from '../../support/temp.ts'

interface FakeGit {
  readonly folder: string
  readonly ports: GitPorts
}

/** A PATH with a `git` that is this shell script. `$OUT` is its folder. */
async function fakeGit(script: string, over: Partial<GitPorts> = {}): Promise<FakeGit> {
  const folder = await tempFolder()
  await writeFile(join(folder, 'git'), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, 'git'), 0o755)
  const env = { PATH: `${folder}:/usr/bin:/bin`, OUT: folder, ...over.env }
  return { folder, ports: { clock: systemClock, random: () => 0, ...over, env } }
}

/** Resolves when the script has created this file, with its text. */
async function fileOf(folder: string, name: string): Promise<string> {
  for (;;) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '')
    if (text.endsWith('\n')) return text.trim()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function isAlive(id: string): boolean {
  try {
    process.kill(Number(id), 0)
    return true
  } catch {
    return false
  }
}

/** A process and its child that ignore SIGTERM, and write their ids to `ids`. */
const stubborn = `trap '' TERM; sleep 60 & echo "$$ $!" > "$OUT/ids"; wait; sleep 60`

describe('a git process', () => {
  it('is stopped with its children at the time limit', async () => {
    const clock = manualClock()
    const { folder, ports } = await fakeGit(stubborn, { clock, limitMs: 5000 })
    const failing = errorOf(new Git(folder, ports, notedCall()).run(['status']))
    const ids = (await fileOf(folder, 'ids')).split(' ')
    await clock.advance(5000)
    await clock.sleepers(1)
    await clock.advance(2000)
    expect(await failing).toMatchObject({ code: 'timeout', why: 'it was stopped after 5 s' })
    // The system may need a moment to remove the processes.
    while (ids.some(isAlive)) await new Promise((resolve) => setImmediate(resolve))
  })

  it('gets SIGTERM first after an abort, and removes its lock files', async () => {
    const script = `trap 'echo > "$OUT/cleaned"; exit 1' TERM; echo $$ > "$OUT/ids"; sleep 60 & wait`
    const { folder, ports } = await fakeGit(script)
    const call = notedCall()
    const failing = new Git(folder, ports, call).run(['commit'])
    await fileOf(folder, 'ids')
    const reason = new Error('stopped')
    call.abort(reason)
    await expect(failing).rejects.toBe(reason)
    expect(await fileOf(folder, 'cleaned')).toBe('')
  })

  it('is not started after an abort', async () => {
    const { folder, ports } = await fakeGit('echo > "$OUT/started"')
    const call = notedCall()
    call.abort(new Error('stopped'))
    await expect(new Git(folder, ports, call).run(['commit'])).rejects.toThrow('stopped')
    await expect(readFile(join(folder, 'started'))).rejects.toThrow('ENOENT')
  })

  it('may not print without end', async () => {
    const { folder, ports } = await fakeGit('exec cat /dev/zero', { maxBytes: 1000 })
    const error = await errorOf(new Git(folder, ports, notedCall()).run(['status']))
    expect(error).toMatchObject({ code: 'malformed', subject: 'git' })
  })

  it('may leave a child that holds its output', async () => {
    const clock = manualClock()
    const { folder, ports } = await fakeGit('sleep 60 & echo done; echo $! > "$OUT/ids"', { clock })
    const running = new Git(folder, ports, notedCall()).run(['commit'])
    // the time limit, and the wait after the exit
    await clock.sleepers(2)
    await clock.advance(1000)
    const result = await running
    expect(result).toMatchObject({ status: 0, stdout: Buffer.from('done\n') })
    process.kill(Number(await fileOf(folder, 'ids')))
  })

  it('cannot ask, open an editor or a pager, and gets no repository from the environment', async () => {
    const env = {
      GIT_DIR: '/x',
      GIT_INDEX_FILE: '/x',
      GIT_EDITOR: 'vi',
      GIT_ASKPASS: '/ask',
      HOME: '/home/a',
    }
    const { folder, ports } = await fakeGit('env; read -r line && echo "asked $line"', { env })
    const result = await new Git(folder, ports, notedCall()).run(['status'])
    const lines = result.stdout.toString('utf8').split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'GIT_TERMINAL_PROMPT=0',
        'GIT_EDITOR=:',
        'GIT_PAGER=cat',
        'GIT_LITERAL_PATHSPECS=1',
        'LC_ALL=C',
        'GIT_ASKPASS=/ask',
        'HOME=/home/a',
      ]),
    )
    expect(lines.filter((line) => /^GIT_(?:DIR|INDEX_FILE)=|^asked/.test(line))).toEqual([])
  })

  it('has its last lines of errors in the message, without credentials', async () => {
    const script =
      'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo "line $i https://u:p@host/" >&2; done; exit 2'
    const { folder, ports } = await fakeGit(script)
    const error = await errorOf(new Git(folder, ports, notedCall()).read('read it', ['status']))
    expect(error).toMatchObject({ code: 'io', message: 'cannot read it' })
    expect(error.why?.split('\n')).toHaveLength(12)
    expect(error.why).toContain('line 13 https://host/')
    expect(error.why).not.toContain('u:p')
  })
})
