import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { hostname, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import type { ProfileName } from '../../../src/embedded/profiles.ts'
import { type RunningRegistry, startRegistry } from '../../../src/embedded/server.ts'
import { Oracle } from '../oracle.ts'
import { executable, programWords } from '../program-command.ts'
import { makeFolder, removeFolder } from '../temp.ts'
import { warmExecutable } from '../warm/executable.ts'
import { type Warm, WarmProcess } from '../warm/warm-process.ts'
import { warmScript } from '../warm/warm-script.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import { push, repositoriesOf, repositoryOf, type SeededRepository, standardConfig } from './content.ts'
import { openHosts } from './hosts.ts'
import { seed } from './seed.ts'
import { type CommandStep, type DocsPage, readPage } from './page.ts'
import { openStandIns } from './stand-ins.ts'
import { apiHosts, awsEnv, datePushes, registryOfApi, vendorOf } from './vendor-hosts.ts'

/** A command of a page and what became of it. */
export interface PageResult extends CommandStep {
  readonly output: readonly string[]
  readonly code: number
}

export interface DocsRunner extends AsyncDisposable {
  /** Runs the commands of a page, in their order. */
  run(text: string): Promise<readonly PageResult[]>
}

/** Programs of vendors: each prints a token. */
const tokenPrograms = ['aws', 'gcloud', 'az', 'gh', 'glab', 'docker', 'podman', 'helm', 'crane']
const localName = /\b(?:localhost|127\.0\.0\.1):(\d{4,5})\b/g
/** Commands that a reader confirms. */
const asksFor = /^dray (?:promote|copy|cp|tag|rollback|prune .*--apply)\b/
const answered = /--(?:yes|dry-run|out|help)\b| -y\b|[|>]/
/** The last day of exceptions, keys and holds in the pages, and a day that is in the future. */
const shownDay = '2027-01-31'
const futureDay = new Date(Date.now() + 64 * 86_400_000).toISOString().slice(0, 10)
/** The proxy of the hosts, which a reader does not have. */
const proxied = /,? [a-z]+ the proxy http:\/\/127\.0\.0\.1:\d+/g
const hostName = /\b(?:[a-z0-9-]+\.)+(?:com|io|org|dev|net|cloud|internal|example|test)\b/g

/** Starts the registries of pages. @param texts all pages that will run */
export async function docsRunner(texts: readonly string[]): Promise<DocsRunner> {
  const names = new Set([
    'registry.example.com',
    'registry-1.docker.io',
    ...apiHosts,
    ...texts.flatMap((text) => text.match(hostName) ?? []),
  ])
  const state: { page: PageRegistries | undefined } = { page: undefined }
  const hosts = await openHosts([...names], async (host) => {
    if (state.page === undefined) throw new Error('no page runs')
    return await state.page.portOf(host)
  })
  const warm = executable === undefined ? await WarmProcess.start(hosts.env) : warmExecutable(executable)
  const dray = warmScript(warm.port, programWords)
  const standIns = await openStandIns(async (host) => {
    if (state.page === undefined) throw new Error('no page runs')
    return await state.page.oracleOf(host)
  })
  return {
    run: async (text) => {
      const page = readPage(text)
      state.page = new PageRegistries(page)
      const run = await PageRun.start(text, page, state.page, {
        warm,
        dray,
        scripts: standIns.scripts,
        env: hosts.env,
      })
      try {
        return await run.results()
      } finally {
        await run.close()
        await state.page.close()
        state.page = undefined
      }
    },
    [Symbol.asyncDispose]: async () => {
      warm.stop()
      standIns.close()
      await hosts[Symbol.asyncDispose]()
    },
  }
}

/** The registries of one page, each started when it is needed. */
class PageRegistries {
  readonly #content: readonly SeededRepository[]
  readonly #profiles: ReadonlyMap<string, string>
  readonly #isEmpty: boolean
  readonly #isUnsigned: boolean
  readonly #running = new Map<string, Promise<RunningRegistry>>()

  constructor({ steps, images, profiles, isEmpty, isUnsigned }: DocsPage) {
    this.#profiles = profiles
    this.#isEmpty = isEmpty
    this.#isUnsigned = isUnsigned
    const written = steps.flatMap((step) => (step.kind === 'file' ? [step.content] : []))
    const configs = isEmpty ? written : [standardConfig, ...written]
    const all = [...configs.flatMap(repositoriesOf), ...images.map(repositoryOf)]
    this.#content = isEmpty ? images.map(repositoryOf) : uniqueRepositories(all)
  }

  async portOf(host: string): Promise<number> {
    return (await this.#open(registryOfApi(host, this.#content))).port
  }

  /** The registry of a host in references; `localhost` has its real port. */
  async oracleOf(host: string): Promise<Oracle> {
    const isLocal = /^(?:localhost|127\.0\.0\.1):/.test(host)
    return new Oracle(isLocal ? host : (await this.#open(serverOf(host))).registry)
  }

  /** Starts the registry of `localhost:SHOWN` on a free port. */
  async openLocal(shown: string, port: number): Promise<void> {
    await this.#open(`localhost:${shown}`, port)
  }

  async close(): Promise<void> {
    for (const running of this.#running.values()) await (await running).close()
  }

  #open(host: string, port = 0): Promise<RunningRegistry> {
    const known = this.#running.get(host)
    if (known !== undefined) return known
    const started = this.#start(host, port)
    this.#running.set(host, started)
    return started
  }

  async #start(host: string, port: number): Promise<RunningRegistry> {
    const profile = this.#profiles.get(host) as ProfileName | undefined
    const storage = memoryStorage()
    const running = await startRegistry({
      port,
      storage,
      allowedHosts: 'any',
      ...(await vendorOf(host)),
      ...(profile !== undefined && { profile }),
    })
    const oracle = new Oracle(running.registry)
    const isHere = (repository: SeededRepository): boolean => serverOf(repository.host) === host
    const own = this.#content.filter(isHere)
    const content = own.length > 0 || this.#isEmpty ? own : repositoriesOf(standardConfig)
    const isUnsigned = this.#isUnsigned
    for (const repository of content) {
      const key = JSON.stringify([host, profile, isUnsigned, repository])
      await seed(key, repository.path, storage, () => push(oracle, repository, { isUnsigned }))
    }
    if (running.records !== undefined) await datePushes(running.records, storage, content)
    return running
  }
}

/** The host that a program connects to for a host in references. */
function serverOf(host: string): string {
  return host === 'docker.io' ? 'registry-1.docker.io' : host.replace('127.0.0.1', 'localhost')
}

/** Each repository once, with the tags of all entries. */
function uniqueRepositories(all: readonly SeededRepository[]): readonly SeededRepository[] {
  const unique = new Map<string, SeededRepository>()
  for (const one of all) {
    const key = `${one.host}/${one.path}`
    unique.set(key, { ...one, tags: { ...unique.get(key)?.tags, ...one.tags } })
  }
  return [...unique.values()]
}

/** The programs that the commands of a page run. */
interface Programs {
  readonly warm: Warm
  /** the script in place of `dray` in a shell */
  readonly dray: string
  /** scripts of other programs, by their names */
  readonly scripts: ReadonlyMap<string, string>
  readonly env: Readonly<Record<string, string>>
}

/** What a command printed, stdout and stderr in the order of their lines. */
interface Printed {
  readonly code: number
  readonly output: string
}

/** A folder and an environment in which the commands of one page run. */
class PageRun {
  readonly #page: DocsPage
  readonly #folder: string
  readonly #warm: Warm
  readonly #env: Readonly<Record<string, string>>
  /** the port that the page shows, and the real one */
  readonly #ports: ReadonlyMap<string, number>
  readonly #background: ChildProcess[] = []

  private constructor(
    page: DocsPage,
    folder: string,
    warm: Warm,
    env: Readonly<Record<string, string>>,
    ports: ReadonlyMap<string, number>,
  ) {
    this.#page = page
    this.#folder = folder
    this.#warm = warm
    this.#env = env
    this.#ports = ports
  }

  static async start(
    text: string,
    page: DocsPage,
    registries: PageRegistries,
    { warm, dray, scripts, env }: Programs,
  ): Promise<PageRun> {
    const folder = await makeFolder('docs-')
    const ports = new Map<string, number>()
    for (const [, port = ''] of text.matchAll(localName)) {
      if (!ports.has(port)) ports.set(port, await freePort())
      if (!text.includes(`--port ${port}`)) await registries.openLocal(port, ports.get(port) ?? 0)
    }
    const home = join(folder, 'home', 'me')
    const bin = join(folder, 'bin')
    mkdirSync(join(home, 'project'), { recursive: true })
    mkdirSync(bin)
    script(join(bin, 'dray'), dray)
    for (const name of tokenPrograms) script(join(bin, name), '#!/bin/sh\necho token\n')
    for (const [name, content] of scripts) script(join(bin, name), content)
    const run = new PageRun(
      page,
      folder,
      warm,
      {
        ...env,
        PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
        HOME: home,
        NO_COLOR: '1',
        PAGER: 'cat',
        LANG: 'C.UTF-8',
        ...awsEnv,
      },
      ports,
    )
    if (!page.isEmpty) run.#write('dray.yaml', standardConfig)
    return run
  }

  async results(): Promise<readonly PageResult[]> {
    const results: PageResult[] = []
    for (const step of this.#page.steps) {
      if (step.kind === 'file') this.#write(step.path, step.content)
      else results.push({ ...step, ...(await this.#command(step)) })
    }
    return results
  }

  async close(): Promise<void> {
    for (const child of this.#background) child.kill('SIGKILL')
    await removeFolder(this.#folder)
  }

  get #work(): string {
    return join(this.#folder, 'home', 'me', 'project')
  }

  #write(path: string, content: string): void {
    const file = join(this.#work, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, this.#toReal(content))
  }

  async #command({ command, prompt, shown }: CommandStep): Promise<Pick<PageResult, 'output' | 'code'>> {
    const isConfirmed = shown === undefined && asksFor.test(command) && !answered.test(command)
    if (prompt === undefined) return await this.#runLine(isConfirmed ? `${command} --yes` : command)
    const plan = await this.#runLine(`${command} --dry-run`)
    const { output, code } = await this.#runLine(`${command} --yes`)
    return { output: [...plan.output, prompt, ...output], code }
  }

  async #runLine(command: string): Promise<Pick<PageResult, 'output' | 'code'>> {
    const real = this.#toReal(command)
    const words = wordsOf(real)
    if (words?.[0] === 'dray' && words[1] === 'serve') return await this.#serve(real)
    const { output, code } =
      words?.[0] === 'dray' ? await this.#runWarm(words.slice(1)) : await this.#runShell(real)
    return { output: this.#toShown(output), code }
  }

  async #runWarm(args: readonly string[]): Promise<Printed> {
    const { code, written } = await this.#warm.run({
      args,
      cwd: this.#work,
      env: this.#env,
      input: '',
      isTerminal: true,
    })
    return { code, output: written.map(([, text]) => text).join('') }
  }

  async #runShell(command: string): Promise<Printed> {
    return await new Promise((resolve) => {
      const options = { cwd: this.#work, env: this.#env }
      execFile('bash', ['-c', `set -o pipefail; { ${command}\n} 2>&1`], options, (error, output) => {
        resolve({ output, code: error === null ? 0 : Number(error.code) })
      })
    })
  }

  /** Starts `dray serve` and leaves it running until the page ends. */
  async #serve(command: string): Promise<Pick<PageResult, 'output' | 'code'>> {
    const child = spawn('bash', ['-c', `exec ${command} 2>&1`], { cwd: this.#work, env: this.#env })
    this.#background.push(child)
    let output = ''
    child.stdout.setEncoding('utf8')
    for await (const chunk of child.stdout as AsyncIterable<string>) {
      output += chunk
      if (output.includes('Ctrl-C') || output.includes('Control-C')) break
    }
    return { output: this.#toShown(output), code: 0 }
  }

  /** Replaces ports, folders and the last day of the page by those of this run. */
  #toReal(text: string): string {
    let real = text.replaceAll(shownDay, futureDay)
    for (const [shown, port] of this.#ports)
      real = real.replaceAll(`:${shown}`, `:${port}`).replaceAll(`--port ${shown}`, `--port ${port}`)
    return real.replaceAll(
      /(^|[\s=,'"])(\/(?:home\/me|var|srv|secrets|data)\/[^\s'"]*)/g,
      (_, before: string, path: string) => {
        mkdirSync(dirname(join(this.#folder, path)), { recursive: true })
        return `${before}${this.#folder}${path}`
      },
    )
  }

  #toShown(output: string): readonly string[] {
    let shown = anonymous(output.replaceAll(this.#folder, '').replaceAll(proxied, ''))
    shown = shown.replaceAll(futureDay, shownDay)
    for (const [name, port] of this.#ports) shown = shown.replaceAll(`:${port}`, `:${name}`)
    return shown.replace(/\n$/, '').split('\n')
  }
}

/** Replaces the user and the host of this run. A column keeps its width. */
function anonymous(output: string): string {
  const { username } = userInfo()
  const padding = ' '.repeat(Math.max(0, username.length - 2))
  return output
    .replaceAll(`${username}@${hostname()}`, 'me@laptop')
    .replaceAll(new RegExp(`\\b${username}(?=  )`, 'g'), `me${padding}`)
    .replaceAll(new RegExp(`\\b${username}\\b`, 'g'), 'me')
}

/** The words of a command without shell syntax; undefined if it needs a shell. */
function wordsOf(command: string): readonly string[] | undefined {
  const words = command.trim().match(/(?:'[^']*'|"[^"$`\\]*"|[^\s'"])+/g) ?? []
  const isPlain = words.every(
    (word) => !/[|&;<>()$`\\*?#~]|^\w+=/.test(word.replaceAll(/'[^']*'|"[^"]*"/g, '')),
  )
  return isPlain ? words.map((word) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2')) : undefined
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

function script(file: string, text: string): void {
  writeFileSync(file, text)
  chmodSync(file, 0o755)
}
