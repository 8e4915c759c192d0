import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compileCache } from '../support/program.ts'
import { program } from '../support/program-command.ts'
import { tempFolder } from '../support/temp.ts'
import { tools } from '../support/tools.ts'
import { toProd, workplace } from '../support/workplace.ts'
import { world } from '../support/world.ts'

const script = tools('script')

interface Terminal {
  /** Waits for new output that matches the pattern, then types the keys. */
  answer(pattern: RegExp, keys: string): Promise<void>
  readonly ended: Promise<number | null>
  readonly screen: () => string
}

/** Runs `dray` on a pseudo-terminal (`script` of util-linux). */
function onTerminal(args: readonly string[], folder: string): Terminal {
  const line = [...program, ...args].map((argument) => `'${argument}'`).join(' ')
  const child = spawn('script', ['-qefc', line, '/dev/null'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      TERM: 'xterm',
      COLUMNS: '120',
      DRAY_AUDIT_FILE: `${folder}/audit.jsonl`,
      NODE_COMPILE_CACHE: compileCache,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  let from = 0
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const screen = (): string => stripVTControlCharacters(text)
  return {
    screen,
    ended: once(child, 'close').then(([code]) => code as number | null),
    answer: async (pattern, keys) => {
      for (;;) {
        const found = pattern.exec(screen().slice(from))
        if (found !== null) {
          from += found.index + found[0].length
          break
        }
        await once(child.stdout, 'data')
      }
      child.stdin.write(keys)
    },
  }
}

describe.skipIf(!script.available)(`dray promote on a terminal${script.note}`, () => {
  it('asks for missing arguments, shows the plan, asks for confirmation and prints the equivalent command', async () => {
    const registries = await world().image('api:1.4.0').image('api:1.4.1').start()
    const { folder } = await workplace(
      `${registries.config.trimEnd().slice(0, -1)}, "images": {"api": {}, "web": {}}}`,
    )
    const terminal = onTerminal(['promote', '--ticket', 'OPS-7'], folder)
    await terminal.answer(/Source environment:[^]*staging/, '\u001b[B\r')
    await terminal.answer(/Images:[^]*web/, ' \r')
    await terminal.answer(/Tag of api:[^]*1\.4\.0/, '\u001b[B\r')
    // prod is the only environment that takes images from staging, so dray asks no question.
    await terminal.answer(/Plan: 1 image to promote, 1 tag to write\.[^]*Promote 1 image to prod\?/, 'y\r')
    expect(await terminal.ended).toBe(0)
    expect(terminal.screen()).toContain(
      'Without prompts: dray promote api:1.4.0 --ticket OPS-7 --from staging --to prod',
    )
    expect(await registries.staging.oracle.digest('prod/api', '1.4.0')).toBe(
      registries.content('api:1.4.0').root.digest,
    )
  })

  it.each([
    ['Ctrl-C at a list', ['promote', 'api:1.4.0'], /Source environment:[^]*staging/, '\u0003'],
    ['no at the confirmation', toProd('api:1.4.0').slice(0, -1), /\(y\/N\)/, 'n\r'],
  ] as const)(
    'is cancelled without an error and with exit code 130 by %s',
    async (_, args, pattern, keys) => {
      const registries = await world().image('api:1.4.0').start()
      const { folder } = await workplace(registries.config)
      const terminal = onTerminal(args, folder)
      await terminal.answer(pattern, keys)
      expect(await terminal.ended).toBe(130)
      expect(terminal.screen()).toMatch(/^Cancelled\.\r?$/m)
      expect(terminal.screen()).not.toContain('error:')
      expect(await registries.staging.oracle.manifest('prod/api', '1.4.0')).toBeUndefined()
    },
  )
})

describe.skipIf(!script.available)(`dray config init on a terminal${script.note}`, () => {
  it('asks for everything that dray.yaml needs, writes it and prints the equivalent command', async () => {
    const folder = await tempFolder()
    const terminal = onTerminal(['config', 'init'], folder)
    // Nothing listens at this address.
    await terminal.answer(/Registry:[^]*localhost:5000/, '127.0.0.1:1\r')
    await terminal.answer(/Environments, in promotion order:[^]*staging/, 'dev\r')
    await terminal.answer(/Repository in dev:[^]*127\.0\.0\.1:1\/dev\/\{image\}/, '\r')
    await terminal.answer(/Images, separated by commas:/, 'api\r')
    await terminal.answer(/Retention policy for dev:[^]*Nightly builds/, '\u001b[B\u001b[B\r')
    expect(await terminal.ended).toBe(0)
    expect(terminal.screen()).toContain(
      'Without prompts: dray config init --registry 127.0.0.1:1 --env dev --image api --retention nightlies',
    )
    expect(terminal.screen()).toContain('dray status')
    expect(await readFile(join(folder, 'dray.yaml'), 'utf8')).toContain('- name: nightlies')
  })

  it('prints a section to paste if dray.yaml exists', async () => {
    const { folder } = await workplace(
      'version: 1\nenvironments:\n  dev: { registry: r.io, path: "{image}" }\n',
    )
    const terminal = onTerminal(['config', 'init'], folder)
    await terminal.answer(/Print a retention section instead\?/, 'y\r')
    await terminal.answer(/Retention policy:[^]*Nightly builds/, '\r')
    expect(await terminal.ended).toBe(0)
    expect(terminal.screen()).toContain('- name: builds')
  })
})
