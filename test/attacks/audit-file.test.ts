import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import { removeDeadHeartbeats } from '../../src/audit/log/heartbeat.ts'
import { mergeFiles } from '../../src/audit/merge/merge-files.ts'
import { toErrorInfo } from '../../src/lib/errors.ts'
import { makeFolder, writeFileAtomic } from '../../src/lib/files/atomic.ts'
import { ContentCache } from '../../src/images/cache/content-cache.ts'
import { digestOf } from '../../src/oci/digest.ts'
import {
  chainComplaints,
  entriesOf,
  linesOf,
  openLog,
  record,
  refusal,
  waitingClock,
} from '../support/audit-log.ts'
import { warmDray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { world } from '../support/world.ts'
import { toProd, warmWorkplace } from '../support/workplace.ts'

const never = new AbortController().signal
const longAgo = new Date('2020-01-01T00:00:00Z')

let folder: string
let path: string
beforeEach(async () => {
  folder = await tempFolder()
  path = join(folder, 'audit.jsonl')
})

/** The state of a folder, to detect any change. */
function stateOf(of: string): unknown {
  return readdirSync(of, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const { mode, mtimeMs, size, ino } = lstatSync(join(of, name))
      const isFile = lstatSync(join(of, name)).isFile()
      const isLink = lstatSync(join(of, name)).isSymbolicLink()
      return {
        name,
        mode,
        size,
        ino,
        // The time of a folder changes with every lock.
        ...(isFile && { mtimeMs, content: readFileSync(join(of, name), 'latin1') }),
        ...(isLink && { target: readlinkSync(join(of, name)) }),
      }
    })
}

/** The results of a write and of a read of open intents, and the changed files. */
async function attemptsOn(log: string): Promise<unknown> {
  const before = stateOf(folder)
  const written = openLog(log)
  const write = await codeOf(written.write([record()]))
  await written.close()
  const read = await codeOf(openLog(log).openIntents())
  return { write, read, changed: isDeepStrictEqual(stateOf(folder), before) ? 'nothing' : stateOf(folder) }
}

const refused = { write: 'audit', read: 'audit', changed: 'nothing' }

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'done',
    (error: unknown) => toErrorInfo(error).code,
  )
}

async function twoRecords(log: string = path): Promise<void> {
  const written = openLog(log)
  await written.write([refusal()])
  await written.write([refusal()])
  await written.close()
}

const firstTime = '{"seq":1,"prev":null,"time":"2026-01-02T03:04:05.678Z'

/** Files that are not logs. */
const foreign: readonly (readonly [name: string, content: string | Buffer])[] = [
  ['a public key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ bob@example\n'],
  ['a token without a line break', 'ghp_secretsecretsecret'],
  ['a version', '1.4.2\n'],
  ['a digit', '1'],
  ['a line break', '\n'],
  ['a JSON object that is no record', '{"auths":{}}\n'],
  ['a JSON object that is no record, without a line break', '{"auths":{}}'],
  ['a JSON object that begins like a record', '{"seq":1,"name":"x"}'],
  ['a record of another chain program', '{"seq":1,"prev":null,"data":"x"}'],
  ['a record with a byte order mark', '\uFEFF{"seq":1,"prev":null,"time":"'],
  ['a record with a space in front', ' {"seq":1,"prev":null,"time":"'],
  ['the second record of a log', '{"seq":2,"prev":"sha256:'],
  ['a beginning of a record and then something else', '{"seq":1,"prev":null,"time":"x",hello'],
  ['a beginning of a record with another time', '{"seq":1,"prev":null,"time":"hello'],
  ['a beginning of a record with another second field', `${firstTime}","user":"bob`],
  ['a whole object that begins like a record', `${firstTime}","run":"x","phase":"intent","key":"x"}`],
  ['a line that begins like a record', `${firstTime}","run":"x","phase":"intent","key":"x"}\n`],
  ['a beginning of a record with a line break', '{"seq":1,"prev":null,"time":"x","ru\n'],
  ['a beginning of a record and zero bytes', '{"seq":1,"prev":null,\0\0\0\0'],
  [
    'a beginning of a record and bytes that are not UTF-8',
    Buffer.from('{"seq":1,"prev":null,"time":"\xff\xfe', 'latin1'),
  ],
  ['a JSON array', '[1,2,3]\n'],
  ['JSON Lines of another program', '{"level":"info"}\n{"level":"warn"}\n'],
  ['JSON Lines of another program with a torn end', '{"level":"info"}\n{"seq":1,"prev":null,"ti'],
  ['lines that end like a log', 'a note\n{"seq":2,"prev":"sha256:'],
  ['CSV', 'name,digest\napi,sha256:00\n'],
  ['a configuration', 'version: 1\nenvironments: {}\n'],
  ['blanks', '   \t  '],
  ['zero bytes', Buffer.alloc(64)],
  ['binary data', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0xff])],
  ['many lines', 'line\n'.repeat(1000)],
  ['one long line', 'x'.repeat(3 * 1024 * 1024)],
]

describe('a file of another program that is used as the audit log', () => {
  it.each(foreign)('is not changed if it is %s', async (_, content) => {
    writeFileSync(path, content, { mode: 0o640 })
    utimesSync(path, longAgo, longAgo)
    expect(await attemptsOn(path)).toEqual(refused)
    expect(readdirSync(folder)).toEqual(['audit.jsonl'])
  })

  it.each(foreign)(
    'stays as it is if it is %s and a head of another log is beside it',
    async (_, content) => {
      await twoRecords(`${path}-other`)
      writeFileSync(`${path}.head`, readFileSync(`${path}-other.head`))
      writeFileSync(path, content)
      expect(await attemptsOn(path)).toEqual(refused)
    },
  )

  it('is used if it is empty', async () => {
    writeFileSync(path, '')
    await openLog(path).write([record()])
    expect(chainComplaints(path)).toEqual([])
  })
})

describe('a log of dray', () => {
  it.each([
    ...foreign.filter(([name]) => name !== 'zero bytes' && name !== 'the second record of a log'),
    ['the next record of another log', `{"seq":3,"prev":"sha256:${'0'.repeat(64)}","ti`] as const,
  ])('is not changed if it is followed by %s', async (_, content) => {
    await twoRecords()
    appendFileSync(path, content)
    expect(await attemptsOn(path)).toEqual(refused)
  })

  it.each([
    ['the first', '{"seq":1,"prev":null,"time":"2026'],
    ['the second', '{"seq":2,"prev":"sha256:'],
  ])('keeps the beginning of %s record again, as a suspended run leaves it', async (_, torn) => {
    await twoRecords()
    appendFileSync(path, torn)
    await openLog(path).write([refusal()])
    expect(chainComplaints(path)).toEqual([])
    const kept = linesOf(path).map((line) => (JSON.parse(line) as { torn?: string }).torn)
    expect(kept).toContain(Buffer.from(torn).toString('base64'))
  })

  it('is not changed if the next record begins correctly and continues wrongly', async () => {
    await twoRecords()
    const next = openLog(path)
    const before = readFileSync(path)
    await next.write([refusal()])
    const line = linesOf(path)[2] ?? ''
    for (const end of [
      'hello',
      line.replace(',"run"', ',run'),
      `${line}}`,
      `${line} `,
      `${line.slice(0, -5)}\u0001`,
    ]) {
      const torn = end === 'hello' ? line.slice(0, line.indexOf('"time"')) + end : end
      writeFileSync(path, Buffer.concat([before, Buffer.from(torn)]))
      rmSync(`${path}.head`, { force: true })
      expect(await attemptsOn(path)).toEqual(refused)
    }
  })

  it('with the head of another log is not changed', async () => {
    await twoRecords()
    await twoRecords(`${path}-other`)
    writeFileSync(`${path}.head`, readFileSync(`${path}-other.head`))
    expect(await attemptsOn(path)).toEqual(refused)
  })

  it('with a hard link is continued under both names', async () => {
    await twoRecords()
    linkSync(path, `${path}-backup`)
    await openLog(path).write([refusal()])
    expect(chainComplaints(`${path}-backup`)).toEqual([])
    expect(entriesOf(path)).toHaveLength(3)
  })
})

describe('a path that is not a regular file', () => {
  const links: readonly (readonly [name: string, make: () => void])[] = [
    ['to a file', () => writeFileSync(join(folder, 'target'), 'secret\n')],
    ['to an empty file', () => writeFileSync(join(folder, 'target'), '')],
    ['to nothing', () => undefined],
    ['to a folder', () => mkdirSync(join(folder, 'target'))],
  ]

  it.each(links)('is refused if it is a link %s', async (_, make) => {
    make()
    symlinkSync('target', path)
    expect(await attemptsOn(path)).toEqual(refused)
  })

  it('is refused if it is a link to a log', async () => {
    await twoRecords(join(folder, 'target'))
    symlinkSync('target', path)
    expect(await attemptsOn(path)).toEqual(refused)
  })

  it('is refused if it is a folder', async () => {
    mkdirSync(path)
    expect(await attemptsOn(path)).toEqual(refused)
  })

  it('is refused if it is a pipe, without waiting for its other end', async () => {
    expect(spawnSync('mkfifo', [path]).status).toBe(0)
    const before = readdirSync(folder)
    await expect(openLog(path).write([record()])).rejects.toMatchObject({ code: 'audit' })
    expect(readdirSync(folder)).toEqual(before)
    expect(statSync(path).isFIFO()).toBe(true)
  })

  it.each(['/dev/null', '/dev/full', '/dev/stdin', '/dev/fd/0', '/proc/self/environ', '/proc/version'])(
    'is refused if it is %s',
    async (device) => {
      await expect(openLog(device).write([record()])).rejects.toMatchObject({ code: 'audit' })
      await expect(openLog(device).openIntents()).rejects.toMatchObject({ code: 'audit' })
    },
  )

  it('is refused at once if its folder cannot be made, as in /proc', async () => {
    await expect(makeFolder('/proc/none/deep')).rejects.toMatchObject({ code: 'not-found' })
    for (const log of ['/proc/none/audit.jsonl', '/proc/none/deep/audit.jsonl', '/proc/audit.jsonl']) {
      await expect(openLog(log).write([record()])).rejects.toMatchObject({ code: 'audit' })
    }
  })

  it('is refused if its folder is a link to nothing', async () => {
    symlinkSync('nowhere', join(folder, 'state'))
    const log = openLog(join(folder, 'state', 'audit.jsonl'))
    await expect(log.write([record()])).rejects.toMatchObject({ code: 'audit' })
    expect(readdirSync(folder)).toEqual(['state'])
  })
})

describe.each(['head', 'lock', 'torn'])('a file beside the log that is named .%s', (suffix) => {
  const beside = (): string => `${path}.${suffix}`

  it.each([
    'secret\n',
    '{"seq":9}',
    '{"offset":0,"torn":"eA==","key":"x"}',
    '# lockfile v1\n',
    'x'.repeat(10_000),
  ])('is not changed if another program wrote it (%#)', async (content) => {
    await twoRecords()
    if (suffix === 'torn') appendFileSync(path, '{"seq":3,"pre')
    writeFileSync(beside(), content)
    const before = readFileSync(beside())
    await expect(openLog(path).write([refusal()])).rejects.toMatchObject({ code: 'audit' })
    expect(readFileSync(beside())).toEqual(before)
    expect(linesOf(path).slice(0, 2)).toHaveLength(2)
  })

  it.each(['target', 'nothing'])('is not followed if it is a link to %s', async (target) => {
    await twoRecords()
    writeFileSync(join(folder, 'target'), 'secret\n')
    rmSync(beside(), { force: true })
    symlinkSync(target, beside())
    const before = stateOf(folder)
    await expect(openLog(path).write([refusal()])).rejects.toMatchObject({ code: 'audit' })
    expect(stateOf(folder)).toEqual(before)
  })
})

describe('the folder of living runs beside the log', () => {
  it('is not used if it is a link, and nothing in its target is removed', async () => {
    mkdirSync(join(folder, 'home'))
    writeFileSync(join(folder, 'home', 'empty'), '')
    utimesSync(join(folder, 'home', 'empty'), longAgo, longAgo)
    symlinkSync('home', `${path}.runs`)
    await removeDeadHeartbeats(path, waitingClock())
    await expect(openLog(path).write([record()])).rejects.toMatchObject({ code: 'audit' })
    expect(readdirSync(join(folder, 'home'))).toEqual(['empty'])
  })

  it('keeps files of other programs', async () => {
    mkdirSync(`${path}.runs`)
    const names = ['run-of-dray', 'notes', 'old link', 'a folder']
    writeFileSync(join(`${path}.runs`, 'run-of-dray'), '')
    writeFileSync(join(`${path}.runs`, 'notes'), 'mine')
    symlinkSync('notes', join(`${path}.runs`, 'old link'))
    mkdirSync(join(`${path}.runs`, 'a folder'))
    for (const name of names) utimesSync(join(`${path}.runs`, name), longAgo, longAgo)
    await removeDeadHeartbeats(path, waitingClock())
    expect(readdirSync(`${path}.runs`).toSorted()).toEqual(['a folder', 'notes', 'old link'])
  })
})

describe('a merged log', () => {
  it.each([
    ['a file', () => writeFileSync(`${path}-merged`, '')],
    ['a link to nothing', () => symlinkSync('nothing', `${path}-merged`)],
    ['a link to a file', () => symlinkSync('audit.jsonl', `${path}-merged`)],
    ['a folder', () => mkdirSync(`${path}-merged`)],
    ['a file in place of its head', () => writeFileSync(`${path}-merged.head`, 'mine')],
  ])('is not written over %s', async (_, make) => {
    await twoRecords()
    make()
    const before = stateOf(folder)
    await expect(mergeFiles([path], `${path}-merged`, never)).rejects.toMatchObject({ code: 'usage' })
    expect(stateOf(folder)).toEqual(before)
  })

  it('contains nothing of a file that is no log', async () => {
    writeFileSync(path, 'ghp_secret')
    await expect(mergeFiles([path], `${path}-merged`, never)).rejects.toMatchObject({ code: 'corrupt' })
    expect(readdirSync(folder)).toEqual(['audit.jsonl'])
  })
})

describe('an output file', () => {
  it.each([
    ['a pipe', () => void spawnSync('mkfifo', [path])],
    ['a folder', () => mkdirSync(path)],
    ['a link to a device', () => symlinkSync('/dev/null', path)],
    ['a link to a folder', () => symlinkSync('.', path)],
    ['a link to an open file', () => symlinkSync('/proc/self/fd/1', path)],
  ])('does not replace %s', async (_, make) => {
    make()
    const { ino } = lstatSync(path)
    await expect(writeFileAtomic(path, 'report')).rejects.toMatchObject({ code: 'io' })
    expect(lstatSync(path).ino).toBe(ino)
    expect(readdirSync(folder)).toEqual(['audit.jsonl'])
  })

  it.each(['/dev/null', '/dev/full', '/dev/stdout'])('does not replace %s', async (device) => {
    const { ino } = lstatSync(device)
    await expect(writeFileAtomic(device, 'report')).rejects.toMatchObject({ code: 'io' })
    expect(lstatSync(device).ino).toBe(ino)
  })
})

function withAudit(config: string, file: string): string {
  return JSON.stringify({ ...(JSON.parse(config) as object), audit: { file } })
}

it('a cache is not used if its folder cannot be made', async () => {
  const cache = new ContentCache({ folder: '/proc/none', clock: waitingClock(), warn: () => undefined })
  await cache.put(digestOf('x'), Buffer.from('x'))
  await cache.flush()
  expect(await cache.get(digestOf('x'))).toBeUndefined()
})

describe('dray promote', () => {
  it.each(['flag', 'DRAY_AUDIT_FILE', 'audit.file'])(
    'changes neither the registry nor a file of another program that %s names',
    async (source) => {
      const from = await world().image('api:1.4.2').start()
      writeFileSync(path, 'ghp_secret')
      const at = await warmWorkplace(source === 'audit.file' ? withAudit(from.config, path) : from.config)
      const ended = await warmDray(
        [...toProd('api:1.4.2'), ...(source === 'flag' ? ['--audit-file', path] : [])],
        {
          cwd: at.folder,
          env: { HOME: folder, ...(source === 'DRAY_AUDIT_FILE' && { DRAY_AUDIT_FILE: path }) },
        },
      )
      expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('is not an audit log of dray') })
      expect(ended.stderr).not.toContain('ghp_secret')
      expect(readFileSync(path, 'utf8')).toBe('ghp_secret')
      expect(readdirSync(folder)).toEqual(['audit.jsonl'])
      expect(from.staging.requests.filter(({ method }) => !['GET', 'HEAD'].includes(method))).toEqual([])
    },
  )

  it.each(['', 'logs/', '.', '..', 'logs/.'])('refuses %j as the audit log', async (name) => {
    const from = await world().image('api:1.4.2').start()
    const at = await warmWorkplace(from.config)
    const ended = await warmDray(toProd('api:1.4.2', '--audit-file', name), {
      cwd: at.folder,
      env: { HOME: folder },
    })
    expect(ended).toMatchObject({ code: 64, stderr: expect.stringContaining('does not name a file') })
    expect(readdirSync(folder)).toEqual([])
  })
})
