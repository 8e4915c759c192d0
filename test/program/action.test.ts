import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { startJob } from '../support/action.ts'
import { secret, startGuardedRegistry, user } from '../support/guarded-registry.ts'
import { complaintOfOutput } from '../support/hostile/complaints.ts'
import { warmDray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { world } from '../support/world.ts'

const root = join(import.meta.dirname, '..', '..')
const commands = 'x\n::error::y\n::set-output name=changed::no ##vso[task.x]y ##[add-path]/z %0A::error::w'

/** A job with a dray.yaml, and an image in staging. */
async function jobWithImage() {
  const registries = await world().index('api:1.4.2', ['amd64', 'arm64']).start()
  return { registries, job: await startJob({ 'dray.yaml': registries.config }) }
}

/** A copy of the action as the runner checks it out, with some built files. */
async function copyOfAction(built: readonly string[]): Promise<string> {
  const folder = await tempFolder()
  const sources = ['action', 'package.json', 'src/cli/project.ts', 'src/lib', 'src/render/text']
  for (const path of [...sources, ...built])
    await cp(join(root, path), join(folder, path), { recursive: true })
  return folder
}

describe('the action', () => {
  it('runs the command and sets the outputs and the summary', async () => {
    const { registries, job } = await jobWithImage()
    const command = 'dray promote api:1.4.2\n  --from staging --to prod --yes'
    const step = await job.step({ with: { command, 'audit-artifact': 'true' } })
    expect(step).toMatchObject({ code: 0, variables: {}, state: {} })
    expect(step.stdout).toContain('promoted  api:1.4.2  staging -> prod')
    const audit = join(job.folder, 'dray-audit', 'audit.jsonl')
    expect(step.outputs).toEqual({
      digest: await registries.staging.oracle.digest('staging/api', '1.4.2'),
      changed: 'true',
      plan: expect.stringMatching(/^sha256:/) as string,
      'audit-artifact': `${audit}\n${audit}.head`,
    })
    expect(await readFile(audit, 'utf8')).toContain('"operation":"promote"')
    expect(step.summary).toContain('| api:1.4.2 |')
  })

  it('never gives the command to a shell, and no argument forges an output', async () => {
    const { registries, job } = await jobWithImage()
    const reason = `EOF\nchanged=no\n${commands}\ndray_EOF $(touch forged) \`touch forged\`; touch forged`
    const command = `promote api:1.4.2 --from staging --to prod --yes --reason '${reason}' ; touch forged`
    const refused = await job.step({ with: { command } })
    expect(refused).toMatchObject({ code: 64, outputs: {} })
    const step = await job.step({ with: { command: command.replace(' ; touch forged', '') } })
    expect(step.code).toBe(0)
    expect(step.outputs).toMatchObject({ changed: 'true' })
    expect(Object.keys(step.outputs)).toEqual(['digest', 'changed', 'plan'])
    expect(registries.staging.requests.length).toBeGreaterThan(0)
    expect(await readdir(job.workspace)).toEqual(['dray.yaml'])
    for (const { stdout, stderr } of [refused, step])
      expect(complaintOfOutput(stdout + stderr)).toBeUndefined()
  })

  it('reports a command that cannot be split, without the commands in it', async () => {
    const job = await startJob()
    const step = await job.step({ with: { command: `promote "${commands}` } })
    expect(step).toMatchObject({ code: 1, outputs: {}, path: [] })
    expect(step.stdout).toContain(
      '::error title=dray::the input command cannot be split into arguments%0A  why:',
    )
    expect(step.stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(step.stdout).not.toMatch(/##(?:vso)?\[|(?<!%25)0A::error/)
  })

  it('puts dray on the PATH of later steps, and needs no network for that', async () => {
    const job = await startJob()
    const step = await job.step({
      with: { 'install-only': 'true', command: 'never run', config: 'conf/dray.yaml' },
      env: { HTTPS_PROXY: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1' },
    })
    expect(step).toMatchObject({ code: 0, stdout: '', stderr: '', outputs: {}, state: {} })
    expect(step.variables).toEqual({ DRAY_CONFIG: join(job.workspace, 'conf', 'dray.yaml') })
    const [folder = ''] = step.path
    const { stdout } = await promisify(execFile)('dray', ['--version'], { env: { PATH: `${folder}:/bin` } })
    expect(stdout).toMatch(/^dray\/\d+\.\d+\.\d+ /)
    expect((await stat(folder)).mode & 0o077).toBe(0)
  })

  it('reads the file of the input config', async () => {
    const { registries, job } = await jobWithImage()
    await mkdir(join(job.workspace, 'conf'))
    await cp(join(job.workspace, 'dray.yaml'), join(job.workspace, 'conf', 'other.yaml'))
    const command = 'ls @staging/api -o name'
    const step = await job.step({ with: { command, config: 'conf/other.yaml' } })
    expect(step).toMatchObject({ code: 0, stdout: `${registries.staging.host}/staging/api:1.4.2\n` })
  })

  it('needs only the sources and dist/dray.cjs of a release tag', async () => {
    const tag = await copyOfAction(['dist/dray.cjs'])
    const job = await startJob()
    const step = await job.step({ with: { command: '--version' } }, tag)
    expect(step).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^dray\/\d/) })
    // Later runs of the job load compiled code.
    expect(await readdir(join(job.folder, 'dray-compile-cache'))).not.toEqual([])
  })

  it('fails on a branch, and names the release tag', async () => {
    const branch = await copyOfAction([])
    const step = await (await startJob()).step({ with: { command: 'ls @prod/api' } }, branch)
    expect(step).toMatchObject({ code: 1, path: [] })
    expect(step.stdout).toMatch(/^::error title=dray::this ref of the action .*fix: .*uses: \S+\/dray@v\d/)
  })

  it('refuses an input that is neither true nor false', async () => {
    const step = await (await startJob()).step({ with: { 'install-only': 'yes' } })
    expect(step).toMatchObject({ code: 1, path: [] })
    expect(step.stdout).toContain('"yes" is not a value of the input install-only')
  })

  it('lets dray end in its own way when the run is cancelled', async () => {
    const job = await startJob()
    const step = await job.step({
      with: { command: 'serve' },
      onStart: (action) => action.stdout?.once('data', () => action.kill('SIGTERM')),
    })
    // dray serve ends with 0; a killed action has no exit code.
    expect(step.code).toBe(0)
  })
})

describe('command: login', () => {
  it('logs in with DRAY_PASSWORD, and the end of the job logs out of that registry only', async () => {
    const registry = await startGuardedRegistry({ scheme: 'basic' })
    const other = await startGuardedRegistry({ scheme: 'basic' })
    const job = await startJob()
    const env = { DRAY_USERNAME: user, DRAY_PASSWORD: secret }
    const file = join(job.folder, '.docker', 'config.json')
    const registriesIn = async (): Promise<readonly string[]> => {
      const { auths } = JSON.parse(await readFile(file, 'utf8')) as { auths: object }
      return Object.keys(auths)
    }
    const byHand = await warmDray(['login', other.name, '-u', user, '--password-stdin'], {
      env: { HOME: job.folder },
      input: secret,
    })
    expect(byHand.code).toBe(0)
    const step = await job.step({ with: { command: `dray login ${registry.name}` }, env })
    expect(step).toMatchObject({ code: 0, stderr: expect.stringMatching(/^warning: .*\n$/) })
    expect(step.stdout).toBe(
      `::add-mask::${secret}\nlogged in  ${user} at ${registry.name}, saved in ${file}\n`,
    )
    expect(JSON.stringify(step.state)).not.toContain(secret)
    expect(await job.step({ with: { command: `ls ${registry.name}/staging/api` } })).toMatchObject({
      code: 0,
    })
    expect(await registriesIn()).toEqual([other.name, registry.name])
    expect(await job.post(step.state)).toMatchObject({ code: 0, stderr: '' })
    expect(await registriesIn()).toEqual([other.name])
    expect(await job.post({})).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  it('saves nothing if the registry refuses the password', async () => {
    const registry = await startGuardedRegistry({ scheme: 'basic' })
    const step = await (
      await startJob()
    ).step({
      with: { command: `login ${registry.name} -u ${user}` },
      env: { DRAY_PASSWORD: 'canary-wrong' },
    })
    expect(step).toMatchObject({ code: 1, state: {} })
    expect(step.stderr).toContain(`::error title=dray::cannot log in to ${registry.name} as ${user}`)
    expect(step.stdout.replace('::add-mask::canary-wrong\n', '') + step.stderr).not.toContain('canary')
  })

  it('without a password names the variable', async () => {
    const step = await (await startJob()).step({ with: { command: 'login r.example -u ci' } })
    expect(step).toMatchObject({ code: 1, state: {} })
    expect(step.stdout).toContain('login needs a password%0A  why: the variable DRAY_PASSWORD is missing')
  })
})

describe('in a pull request from a fork', () => {
  const event = JSON.stringify({ pull_request: { head: { repo: { fork: true } } } })
  const env = (folder: string): Readonly<Record<string, string>> => ({
    GITHUB_EVENT_NAME: 'pull_request',
    GITHUB_EVENT_PATH: join(folder, 'event.json'),
  })

  it('login explains that there are no secrets', async () => {
    const job = await startJob({ 'event.json': event })
    const step = await job.step({ with: { command: 'login r.example -u ci' }, env: env(job.workspace) })
    expect(step.code).toBe(1)
    expect(step.stdout).toMatch(
      /this run has no password .*GitHub passes no secrets to it%0A {2}fix: .*fork != true/,
    )
  })

  it('a failure adds the reason', async () => {
    const registry = await startGuardedRegistry({ scheme: 'basic' })
    const job = await startJob({ 'event.json': event })
    const command = `ls ${registry.name}/staging/api`
    const step = await job.step({ with: { command }, env: env(job.workspace) })
    expect(step.code).toBe(1)
    expect(step.stderr).toContain('::error title=dray::')
    expect(step.stdout).toContain('::warning title=dray::this run has no secrets')
  })
})
