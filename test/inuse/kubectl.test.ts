import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import { systemClock } from '../../src/clock.ts'
import { DrayError } from '../../src/errors.ts'
import type { NamedImages } from '../../src/inuse/gather-images.ts'
import { askKubectl } from '../../src/inuse/kubectl.ts'
import { formatReference } from '../../src/oci/reference.ts'
import { notedCall } from '../support/http-world.ts'
import { manualClock } from '../support/manual-clock.ts'
import { tempFolder } from '../support/temp.ts'

interface Cluster {
  readonly folder: string
  readonly ask: (context?: string, call?: ReturnType<typeof notedCall>) => Promise<NamedImages>
}

/** A PATH with a kubectl that is this script; `answer.json` is beside it. */
async function cluster(script: string, answer?: unknown, clock: Clock = systemClock): Promise<Cluster> {
  const folder = await tempFolder()
  const path = join(folder, 'kubectl')
  await writeFile(join(folder, 'answer.json'), answer === undefined ? '' : JSON.stringify(answer, null, 4))
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  const env = { PATH: `${folder}:/usr/bin:/bin`, HERE: folder }
  return { folder, ask: (context = 'prod', call = notedCall()) => askKubectl(context, { env, clock }, call) }
}

async function failure(asking: Promise<unknown>): Promise<DrayError> {
  const thrown: unknown = await asking.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(DrayError)
  return thrown as DrayError
}

/** Resolves when the file is there with a line in it. */
async function lineOf(path: string): Promise<string> {
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (text.endsWith('\n')) return text.trim()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Resolves when no process has this id any more. */
async function ended(pid: number): Promise<void> {
  for (;;) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    if (state === '' || / Z /.test(state)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const template = (image: string): object => ({ spec: { containers: [{ name: 'x', image }] } })
const objects = {
  apiVersion: 'v1',
  items: [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'api-1', namespace: 'shop' },
      ...template('r.io/api:2'),
    },
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'api-old', namespace: 'shop' },
      spec: { replicas: 0, template: template('r.io/api:1') },
    },
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'nightly', namespace: 'ops' },
      spec: { suspend: true, jobTemplate: { spec: { template: template('r.io/job:7') } } },
    },
  ],
  kind: 'List',
  metadata: { resourceVersion: '' },
}
const answering = 'cat "$HERE/answer.json"'

describe('a cluster', () => {
  it('says what runs, what ran before, and what will run, and where each stands', async () => {
    const { ask } = await cluster(answering, objects)
    const { name, images } = await ask()
    expect(name).toBe('kubectl prod')
    expect(images.map(({ reference, by }) => [formatReference(reference), by])).toEqual([
      ['r.io/api:2', 'kubectl prod: Pod shop/api-1: spec.containers[0].image'],
      ['r.io/api:1', 'kubectl prod: ReplicaSet shop/api-old: spec.template.spec.containers[0].image'],
      [
        'r.io/job:7',
        'kubectl prod: CronJob ops/nightly: spec.jobTemplate.spec.template.spec.containers[0].image',
      ],
    ])
  })

  it('is asked for all kinds that run pods, in all namespaces, and its context is one word to nobody but kubectl', async () => {
    const { ask, folder } = await cluster(
      `for a in "$@"; do echo "$a"; done > "$HERE/args"; ${answering}`,
      objects,
    )
    await ask('prod; touch "$HERE/harm" $(touch harm)')
    expect((await readFile(join(folder, 'args'), 'utf8')).trim().split('\n')).toEqual([
      '--context',
      'prod; touch "$HERE/harm" $(touch harm)',
      'get',
      'pods,deployments.apps,replicasets.apps,statefulsets.apps,daemonsets.apps,jobs.batch,cronjobs.batch,replicationcontrollers',
      '--all-namespaces',
      '-o',
      'json',
    ])
    await expect(readFile(join(folder, 'harm'))).rejects.toThrow('ENOENT')
  })

  it.each(['', '-n', '--kubeconfig=/tmp/x', 'a\nb', 'a\0b'])(
    'is not asked by the context %j',
    async (context) => {
      const { ask, folder } = await cluster(`touch "$HERE/asked"; ${answering}`, objects)
      expect((await failure(ask(context))).code).toBe('config')
      await expect(readFile(join(folder, 'asked'))).rejects.toThrow('ENOENT')
    },
  )

  it('is not asked where there is no kubectl', async () => {
    const env = { PATH: await tempFolder() }
    const error = await failure(askKubectl('prod', { env, clock: systemClock }, notedCall()))
    expect([error.code, error.message]).toEqual(['config', 'kubectl was not found'])
    expect(error.hint).toContain('--in-use')
  })

  it('that fails is an error in its own last words, also where it has answered a part', async () => {
    const said = 'for i in 1 2 3 4 5 6 7 8 9; do echo "line $i" >&2; done; echo Forbidden: pods >&2'
    for (const part of [answering, 'echo garbage', ':']) {
      const { ask } = await cluster(`${part}; ${said}; exit 1`, objects)
      const error = await failure(ask())
      expect(error.code).toBe('unavailable')
      expect(error.why).toBe('line 6\nline 7\nline 8\nline 9\nForbidden: pods')
      expect(error.hint).toBe("See what it says with: kubectl --context 'prod' get pods --all-namespaces")
    }
  })

  it('that fails without a word, or is killed, is an error that says how', async () => {
    expect((await failure((await cluster('exit 3')).ask())).why).toBe('it ended with 3')
    expect((await failure((await cluster('kill -9 $$')).ask())).why).toBe('it ended with SIGKILL')
  })

  it('may warn, and is believed', async () => {
    const { ask } = await cluster(`echo "Warning: old" >&2; ${answering}`, objects)
    expect((await ask()).images).toHaveLength(3)
  })

  it.each([
    ['an empty list', { ...objects, items: [] }, 'refused'],
    ['nothing', undefined, 'refused'],
    ['a page of a longer list', { ...objects, metadata: { continue: 'x' } }, 'refused'],
    ['objects without an image', { items: [{ kind: 'Pod', spec: {} }] }, 'refused'],
    ['an image that is none', { items: [template('NO')] }, 'malformed'],
    ['a text', 'No resources found', 'malformed'],
    ['an array', [objects], 'malformed'],
  ])('that answers %s is refused', async (_name, answer, code) => {
    expect((await failure((await cluster(answering, answer)).ask())).code).toBe(code)
  })

  it('that answers half is refused', async () => {
    const { ask } = await cluster('head -c 300 "$HERE/answer.json"', objects)
    expect((await failure(ask())).code).toBe('malformed')
  })

  it('that does not answer is stopped after 60 s, and with it what it has started', async () => {
    const clock = manualClock()
    const { ask, folder } = await cluster('sleep 1000 & echo $! > "$HERE/pid"; wait', objects, clock)
    const asking = failure(ask())
    const pid = Number(await lineOf(join(folder, 'pid')))
    await clock.advance(59_999)
    await clock.sleepers(1)
    await clock.advance(1)
    const error = await asking
    expect([error.code, error.why]).toEqual(['timeout', 'it was stopped after 60 s'])
    await ended(pid)
  })

  it('is stopped with the call, and with it what it has started', async () => {
    const call = notedCall()
    const { ask, folder } = await cluster('sleep 1000 & echo $! > "$HERE/pid"; wait', objects)
    const asking = failure(ask('prod', call))
    const pid = Number(await lineOf(join(folder, 'pid')))
    call.abort(new DrayError('interrupted', 'stop'))
    expect((await asking).code).toBe('interrupted')
    await ended(pid)
  })

  it('that prints without end is stopped', async () => {
    const { ask } = await cluster('cat /dev/zero', objects)
    const error = await failure(ask())
    expect([error.code, error.message]).toEqual([
      'refused',
      'kubectl printed more than 268435456 bytes for the context prod',
    ])
  })

  it('with very many pods is read', async () => {
    const script = `printf '{"kind":"List","items":['; head -c 2000000 /dev/zero | tr '\\0' ' '
      i=0; while [ $i -lt 20000 ]; do printf '{"kind":"Pod","spec":{"containers":[{"image":"r.io/a:%s"}]}},' $((i % 10)); i=$((i + 1)); done
      printf '{}]}'`
    const { ask } = await cluster(script)
    expect((await ask()).images).toHaveLength(10)
  })
})
