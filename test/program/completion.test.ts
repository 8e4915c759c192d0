import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { kindOfArgument, kindOfFlag } from '../../src/cli/completion/value-kinds.ts'
import { readCommandList } from '../../src/cli/completion/command-list.ts'
import { readManifest } from '../../src/cli/program/manifest.ts'
import { shells } from '../../src/cli/completion/shells.ts'
import { compileCache, dray } from '../support/program.ts'
import { programWords } from '../support/program-command.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { tools } from '../support/tools.ts'
import { type Workplace, workplace } from '../support/workplace.ts'
import { configOf, world } from '../support/world.ts'

const images = { 'api:1.4.1': 0, 'api:1.4.2': 0, 'api:1.10.0': 0 }

/** A workplace with images, and a program `dray` that writes its arguments to the file `typed`. */
async function place(): Promise<Workplace & { readonly path: string }> {
  const builder = world()
  for (const name of Object.keys(images)) builder.image(name)
  const { config } = await builder.start()
  const at = await workplace(`${config.trimEnd().slice(0, -1)}, "images": {"api": {}, "web": {}}}`)
  const file = join(at.folder, 'dray')
  await writeFile(
    file,
    `#!/bin/sh
case $1 in
  __complete | completion) exec ${programWords} "$@" ;;
esac
printf '%s|' "$@" >> '${at.folder}/typed'
echo >> '${at.folder}/typed'
`,
  )
  await chmod(file, 0o755)
  await writeFile(join(at.folder, 'plan one.json'), '')
  // The time limit of a keypress must not decide the test on a busy machine.
  await at.run('__complete', '--background', '--word=api:', '--', 'promote')
  return { ...at, path: `${at.folder}:${process.env['PATH']}` }
}

function envOf(folder: string, path: string): Readonly<Record<string, string>> {
  return { PATH: path, HOME: folder, NODE_COMPILE_CACHE: compileCache }
}

/** Types lines into a shell on a terminal. Returns the arguments that each line passed to dray. */
async function type(
  shell: string,
  { folder, path }: Workplace & { readonly path: string },
  typed: readonly (readonly [line: string, passed: string])[],
): Promise<readonly string[]> {
  const child = spawn('script', ['-qefc', shell, '/dev/null'], {
    cwd: folder,
    env: { ...envOf(folder, path), ZDOTDIR: folder, TERM: 'xterm', COLUMNS: '100' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'close')
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  // A line that is typed before the prompt can be lost.
  while (!text.includes('ready>')) await once(child.stdout, 'data')
  child.stdin.write([...typed, ['exit']].map(([line]) => `${line}\r`).join(''))
  await ended
  return (await readFile(join(folder, 'typed'), 'utf8')).trimEnd().split('\n')
}

/** Lines with tabs, and the arguments that dray then gets. */
const lines: readonly (readonly [line: string, passed: string])[] = [
  ['dray prom\tap\t:1.1\t--from st\t', 'promote|api:1.10.0|--from|staging|'],
  ['dray inspect "@staging/api:1.1\t', 'inspect|@staging/api:1.10.0|'],
  ['dray inspect @stag\tapi:1.4.\t1 --report=x', 'inspect|@staging/api:1.4.1|--report=x|'],
  ['dray promote --evidence-conflict=rep\t', 'promote|--evidence-conflict=replace|'],
  ['dray promote --report dotenv=pl\t', 'promote|--report|dotenv=plan one.json|'],
  ['dray apply pl\t', 'apply|plan one.json|'],
  // Nothing fits, and nothing is executed.
  ["dray promote '$(touch oops)'\t", 'promote|$(touch oops)|'],
]

const [bash, zsh, fish] = [tools('bash', 'script'), tools('zsh', 'script'), tools('fish')]

describe.skipIf(!bash.available)(`completion in bash${bash.note}`, () => {
  it.each([
    ['', lines],
    // Some people let bash split no words at these characters.
    ['COMP_WORDBREAKS=${COMP_WORDBREAKS//[:@=]/}', lines.slice(2, 5)],
  ])('puts the words on the line of a shell with the setting "%s"', async (setting, typed) => {
    const at = await place()
    const file = join(at.folder, 'rc')
    await writeFile(file, `eval "$(dray completion bash)"\nPS1='ready>'\n${setting}\n`)
    const passed = await type(`bash --noprofile --rcfile '${file}' -i`, at, typed)
    expect(passed).toEqual(typed.map(([, expected]) => expected))
    expect(readdirSync(at.folder)).not.toContain('oops')
  })
})

describe.skipIf(!tools('bash').available)('the function of the bash script', () => {
  it('works for a function that sets only the words', async () => {
    const at = await place()
    const script = `eval "$(dray completion bash)"
COMP_WORDS=(dray inspect @staging/api:1.4); COMP_CWORD=2; _dray; echo "\${COMPREPLY[*]}"
COMP_WORDS=(dray promote --from ''); COMP_CWORD=3; _dray; echo "\${COMPREPLY[*]}"`
    const { stdout } = await promisify(execFile)('bash', ['-c', script], {
      cwd: at.folder,
      env: envOf(at.folder, at.path),
    })
    expect(stdout).toBe('@staging/api:1.4.2 @staging/api:1.4.1\ndev staging prod\n')
  })
})

describe.skipIf(!zsh.available)(`completion in zsh${zsh.note}`, () => {
  it('puts the words on the line', async () => {
    const at = await place()
    const start = `autoload -Uz compinit; compinit -u; eval "$(dray completion zsh)"; PS1='ready>'\n`
    await writeFile(join(at.folder, '.zshrc'), start)
    expect(await type('zsh -i', at, lines)).toEqual(lines.map(([, expected]) => expected))
    expect(readdirSync(at.folder)).not.toContain('oops')
  })
})

describe.skipIf(!fish.available)(`completion in fish${fish.note}`, () => {
  it('lists the words', async () => {
    const at = await place()
    const script = `dray completion fish | source; for line in $argv; complete -C $line; echo .; end`
    const asked = [
      'dray prom',
      'dray promote api:1.4',
      'dray inspect @stag',
      'dray promote ap',
      'dray promote --evidence-conflict=rep',
      'dray promote --report dotenv=pl',
      'dray apply pl',
    ]
    const { stdout } = await promisify(execFile)('fish', ['-N', '-c', script, ...asked], {
      cwd: at.folder,
      env: envOf(at.folder, at.path),
    })
    const listed = stdout.split('\n.\n').map((text) => text.replaceAll(/\t.*$/gm, '').split('\n'))
    expect(listed.slice(0, -1)).toEqual([
      ['promote'],
      ['api:1.4.2', 'api:1.4.1'],
      ['@staging/'],
      // A second candidate keeps fish from adding a blank.
      ['api:', 'api'],
      ['--evidence-conflict=replace'],
      ['dotenv=plan one.json'],
      ['plan one.json'],
    ])
  })
})

describe('dray completion', () => {
  it.each(shells)('prints the script for %s', async (shell) => {
    const ended = await dray(['completion', shell])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(/dray __complete "?--word=/)
  })

  it('lists the shells if none is given, and names the user’s own', async () => {
    const ended = await dray(['completion'], { env: { SHELL: '/usr/bin/zsh' } })
    expect(ended).toMatchObject({ code: 64, stdout: '' })
    expect(ended.stderr).toContain('bash, zsh, fish and powershell')
    expect(ended.stderr).toContain('Run "dray completion zsh".')
  })
})

describe('the hidden command of completion', () => {
  it('knows the values of each flag and argument', async () => {
    const commands = readCommandList(await readManifest())
    const free = new Set([
      'actor',
      'allow-host',
      'baseline',
      'branch',
      'busybox-image',
      'context',
      'every',
      'expect-digest',
      'expires',
      'glob',
      'host',
      'interval',
      'limit',
      'listen',
      'locked-tag',
      'max-wait',
      'message',
      'name',
      'namespace',
      'node-selector',
      'not-pulled',
      'password-env',
      'pause-image',
      'platform',
      'port',
      'prerelease-channel',
      'pull-secret',
      'pushed-ago',
      'reason',
      'semver',
      'shard',
      'shards',
      'since',
      'tag',
      'tags',
      'ticket',
      'timeout',
      'toleration',
      'until',
      'username',
    ])
    const unknown = commands.flatMap(({ name, flags }) =>
      flags
        .filter(({ takesValue, isHidden, values }) => takesValue && !isHidden && values.length === 0)
        .filter((flag) => kindOfFlag(name, flag) === 'text' && !free.has(flag.name))
        .map((flag) => `${name} --${flag.name}`),
    )
    expect(unknown).toEqual(['config init --env'])
    const withoutArguments = commands
      .filter(
        ({ name, argumentValues }) => argumentValues.length === 0 && kindOfArgument(name, 0) === undefined,
      )
      .map(({ name }) => name)
    expect(withoutArguments.toSorted()).toEqual([
      'audit anomalies',
      'audit checkpoint',
      'audit export',
      'audit log',
      'audit verify',
      'config init',
      'config schema',
      'config show',
      'report',
      'watch',
    ])
  })

  it('prints nothing and exits with 0 for any mistake', async () => {
    const at = await workplace('version: [\n')
    for (const args of [[], ['--word=api:'], ['--word=', '--', 'promote'], ['--word=', '--', 'nothing']])
      expect(await at.run('__complete', ...args)).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('ends within its time limit and prints nothing if the registry does not answer', async () => {
    await using server = await scriptedServer(() => undefined)
    const at = await workplace(configOf(server.host))
    const ended = await at.run('__complete', '--word=api:', '--', 'promote', '--from', 'staging')
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})
