/**
 * `npm run demo`: two registries in this process, an image in `dev`, and the program, which
 * promotes it to `staging` and to `prod`. Writes only to a temporary folder and removes it at the
 * end.
 */
import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { styleText } from 'node:util'
import { type RunningRegistry, startRegistry } from '../src/embedded/server.ts'
import { startingConfig } from '../src/config/starting/starting-config.ts'
import { startingPolicies } from '../src/config/starting/starting-policies.ts'
import { type Content, demoImage } from './demo-image.ts'

const root = join(import.meta.dirname, '..')
/** The command that runs dray. `DRAY_PROGRAM` names an executable, such as a release binary. */
const program: readonly [command: string, ...first: string[]] =
  process.env['DRAY_PROGRAM'] === undefined
    ? [process.execPath, join(root, 'bin', 'dray.js')]
    : [resolve(process.env['DRAY_PROGRAM'])]
const image = 'hello'
const version = '1.4.2'
const named = `${image}:${version}`
/** The variables for a run of the program: none leads out of the folder. */
const passedOn = ['PATH', 'TERM', 'COLORTERM', 'NO_COLOR', 'FORCE_COLOR', 'LANG', 'LC_ALL', 'SystemRoot']

interface Stage {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** a line for each request that changed a registry */
  readonly writes: string[]
}

async function main(): Promise<void> {
  const stopped = new AbortController()
  const stop = (): void => stopped.abort()
  process.on('SIGINT', stop).on('SIGTERM', stop)
  // The reader of the output has gone.
  process.stdout.on('error', stop)

  const folder = mkdtempSync(join(tmpdir(), 'dray-demo-'))
  const registries: RunningRegistry[] = []
  try {
    await buildIfNeeded(stopped.signal)
    const writes: string[] = []
    const onRequest = ({ method, path }: { readonly method: string; readonly path: string }): void => {
      if (method !== 'GET' && method !== 'HEAD') writes.push(`${method} ${path}`)
    }
    for (let i = 0; i < 2; i++) registries.push(await startRegistry({ onRequest }))
    const [near = '', far = ''] = registries.map(({ registry }) => registry)
    await play({ folder, env: surroundings(folder), signal: stopped.signal, writes }, near, far)
  } catch (error) {
    process.exitCode = stopped.signal.aborted ? 130 : 1
    if (!stopped.signal.aborted) process.stderr.write(`\nThe demo failed: ${String(error)}\n`)
  } finally {
    for (const registry of registries) await registry.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function play(stage: Stage, near: string, far: string): Promise<void> {
  const config = configOf(near, far)
  writeFileSync(join(stage.folder, 'dray.yaml'), config)
  const content = demoImage(image, version, readFileSync(join(root, 'LICENSE'), 'utf8'))
  await push(content, near, `dev/${image}`, [version, 'latest'])

  title('Two registries run in this process. The environments in dray.yaml:')
  show(config)
  title('The image in dev has two platforms, a signature and two SBOMs:')
  await dray(stage, ['ls', `@dev/${image}`])

  title('Promote it to staging. The registry is the same, and dray uploads no layer:')
  await dray(stage, ['promote', named, '--from', 'dev', '--to', 'staging', '--yes'])

  title('Promote it to prod, which is another registry and has floating tags. Show the plan:')
  const toProd = ['promote', named, '--from', 'staging', '--to', 'prod']
  await dray(stage, [...toProd, '--dry-run'])
  title('Execute the promotion:')
  await dray(stage, [...toProd, '--yes'])

  title('Run it again. Everything is up to date, and dray writes nothing:')
  stage.writes.length = 0
  await dray(stage, [...toProd, '--yes'])
  if (stage.writes.length > 0) throw new Error(`it wrote: ${stage.writes.join(', ')}`)

  title('The image in prod has the same digest and the same attached artifacts as in dev:')
  await dray(stage, ['inspect', `@prod/${named}`])
  if (!(await has(far, `prod/${image}`, content.root.digest))) throw new Error('prod has another digest')

  title('Compare the environments:')
  await dray(stage, ['status', '--ages'])

  title('The audit log records each change before and after it. The last records:')
  showRecord(stage)
  showNextSteps()
}

function configOf(near: string, far: string): string {
  return `version: 1
environments:
  dev:
    registry: ${near}
    path: dev/{image}
  staging:
    registry: ${near}
    path: staging/{image}
    promoteFrom: [dev]
    tags:
      semver: [exact, latest]
  prod:
    registry: ${far}
    path: prod/{image}
    promoteFrom: [staging]
    tags:
      semver: [exact, minor, major, latest]
images:
  ${image}: {}
retention:
  protect:
    - { tags: [latest], optional: true }
    - { semver: { range: ">=0.0.0" }, optional: true }
  rules:
    - { name: builds, repositories: ["@dev/*"], keepNewest: 20, olderThan: 30d }
  limits: { maxDeletes: 200, maxPercent: 50, minRemaining: 1 }
`
}

function surroundings(folder: string): NodeJS.ProcessEnv {
  const passed = passedOn.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...Object.fromEntries(passed),
    HOME: folder,
    USERPROFILE: folder,
    TMPDIR: folder,
    TEMP: folder,
    XDG_STATE_HOME: join(folder, 'state'),
  }
}

/** Shows a command line and runs it. @throws if it does not end with 0. */
async function dray(stage: Stage, args: readonly string[]): Promise<void> {
  const { folder, env, signal } = stage
  print(`${dim('$')} ${bold(`dray ${args.join(' ')}`)}`)
  const code = await run([...program, ...args], { cwd: folder, env, signal })
  if (code !== 0) throw new Error(`dray ${args.join(' ')} ended with ${code}`)
}

/**
 * Runs a program. Returns the exit code, or the name of the signal that ended it. @throws if
 * `signal` is aborted.
 */
async function run(
  [command, ...args]: readonly [command: string, ...args: string[]],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<number | string> {
  const { signal, ...rest } = options
  signal.throwIfAborted()
  const child = spawn(command, args, { ...rest, stdio: ['ignore', 'inherit', 'inherit'] })
  const kill = (): void => void child.kill()
  signal.addEventListener('abort', kill, { once: true })
  const { promise, resolve: end, reject } = Promise.withResolvers<number | string>()
  child.on('error', reject).on('close', (code, name) => end(code ?? name ?? 'nothing'))
  const code = await promise
  signal.removeEventListener('abort', kill)
  signal.throwIfAborted()
  return code
}

async function buildIfNeeded(signal: AbortSignal): Promise<void> {
  const sources = globSync('{src/**/*.ts,package.json,scripts/build.ts,scripts/bundle/*.ts}', { cwd: root })
  const newest = Math.max(...sources.map((name) => changedAt(join(root, name))))
  if (changedAt(join(root, 'dist', 'dray.cjs')) >= newest) return
  const code = await run([process.execPath, join(root, 'scripts', 'build.ts')], { cwd: root, signal })
  if (code !== 0) throw new Error(`the build ended with ${code}`)
}

/** Milliseconds; 0 if the file does not exist. */
function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Pushes like any client (distribution-spec 1.1, Pushing). */
async function push(
  content: Content,
  registry: string,
  repository: string,
  tags: readonly string[],
): Promise<void> {
  const base = `http://${registry}/v2/${repository}`
  for (const [digest, bytes] of content.blobs) {
    const opened = await ask('POST', `${base}/blobs/uploads/`, 202)
    const session = new URL(opened.headers.get('location') ?? '', base)
    session.searchParams.set('digest', digest)
    await ask('PUT', session.href, 201, bytes)
  }
  for (const { descriptor, bytes, tag } of content.manifests) {
    const names = [tag ?? descriptor.digest, ...(descriptor === content.root ? tags : [])]
    for (const name of names) {
      await ask('PUT', `${base}/manifests/${name}`, 201, bytes, descriptor.mediaType)
    }
  }
}

async function ask(
  method: string,
  url: string,
  expected: number,
  bytes?: Uint8Array,
  type = 'application/octet-stream',
): Promise<Response> {
  const body = bytes === undefined ? {} : { body: new Uint8Array(bytes) }
  const response = await fetch(url, { method, headers: { 'content-type': type }, ...body })
  await response.arrayBuffer()
  if (response.status !== expected) throw new Error(`${method} ${url} was answered ${response.status}`)
  return response
}

async function has(registry: string, repository: string, digest: string): Promise<boolean> {
  const url = `http://${registry}/v2/${repository}/manifests/${version}`
  const accept = 'application/vnd.oci.image.index.v1+json'
  const { headers } = await fetch(url, { method: 'HEAD', headers: { accept } })
  return headers.get('docker-content-digest') === digest
}

/** Shows the last records of the audit log, shortened. */
function showRecord({ folder, env }: Stage): void {
  const file = join(env['XDG_STATE_HOME'] ?? folder, 'dray', 'audit.jsonl')
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const last = lines.slice(-4).map((line) => {
    const { time, phase, step, result = '' } = JSON.parse(line)
    const digest: string = (step.target ?? step.manifest ?? step.root).digest
    const what = step.kind === 'tag' ? `tag ${step.tag}` : step.kind
    const place = `${step.repository?.path ?? step.to.path}`
    return [time, phase.padEnd(7), what.padEnd(10), place, digest.slice(7, 19), result].join('  ').trimEnd()
  })
  show(last.join('\n'))
  show(`${lines.length} lines of JSON in ${relative(folder, file)}`)
}

function showNextSteps(): void {
  title('Next, with your own registry and images. Run in a new folder:')
  // Without indentation, so that the commands can be pasted.
  print(`alias dray='${program.join(' ')}'
dray login registry.example.com
cat > dray.yaml <<'END'
${ownConfig()}END
dray status
dray promote api:1.4.2 --from staging --to prod
dray prune`)
  title('"dray promote" shows the plan and asks before it changes anything. "dray prune" only shows a plan.')
  print('"dray config init" writes such a dray.yaml for your registry. Continue with README.md and docs/.')
}

/** A configuration as `dray config init` writes it. */
function ownConfig(): string {
  const [policy] = startingPolicies
  return startingConfig({
    environments: ['staging', 'prod'].map((name) => ({
      name,
      registry: 'registry.example.com',
      path: `${name}/{image}`,
    })),
    images: ['api'],
    retention: { policy, environment: 'staging' },
  })
}

function title(text: string): void {
  print(`\n${text}`)
}

function show(text: string): void {
  print(text.trimEnd().replaceAll(/^(?=.)/gm, '  '))
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function bold(text: string): string {
  return styleText('bold', text)
}

function dim(text: string): string {
  return styleText('dim', text)
}

await main()
