import { execFileSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { JsonListReader } from '../../../src/deployments/inuse/json-list.ts'
import { queryCluster } from '../../../src/deployments/clusters/kubectl.ts'
import type { KubectlPorts } from '../../../src/deployments/clusters/read-objects.ts'
import { notedCall } from '../../support/http-world.ts'
import { oneDigest } from '../../support/in-use.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tempFolder } from '../../support/temp.ts'

interface FakeKubectl extends KubectlPorts {
  readonly folder: string
}

/** A PATH with a `kubectl` that is this shell script. `$OUT` is its folder. */
async function fakeKubectl(script: string, over: Partial<KubectlPorts> = {}): Promise<FakeKubectl> {
  const folder = await tempFolder()
  const path = join(folder, 'kubectl')
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return { env: { PATH: `${folder}:/usr/bin:/bin`, OUT: folder }, clock: systemClock, folder, ...over }
}

/** A `kubectl` that prints this. */
async function answering(answer: unknown, then = ''): Promise<FakeKubectl> {
  const w = await fakeKubectl(`cat "$OUT/answer"\n${then}`)
  await writeFile(join(w.folder, 'answer'), typeof answer === 'string' ? answer : JSON.stringify(answer))
  return w
}

async function failure(w: KubectlPorts, context = 'prod', call = notedCall()): Promise<DrayError> {
  const error: unknown = await queryCluster(context, w, call).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DrayError)
  return error as DrayError
}

const pod = (image: string, name = 'api-0'): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', annotations: { note: 'a "quoted" {brace] \\' } },
  spec: { containers: [{ name: 'api', image }] },
  status: { containerStatuses: [{ imageID: `docker-pullable://r.test/api@${oneDigest}` }] },
})
const replicaSet = {
  kind: 'ReplicaSet',
  metadata: { name: 'api-old', namespace: 'shop' },
  spec: { replicas: 0, template: { spec: { containers: [{ image: 'r.test/api:0.9' }] } } },
}
const list = (...items: readonly unknown[]): object => ({
  apiVersion: 'v1',
  items,
  kind: 'List',
  metadata: { resourceVersion: '' },
})

describe('a cluster', () => {
  it('has the images of its pods and of inactive revisions, each with the object', async () => {
    const w = await answering(list(pod('r.test/api:1'), pod('r.test/api:1', 'api-1'), replicaSet))
    expect((await queryCluster('prod', w, notedCall())).found).toEqual([
      { text: 'r.test/api:1', by: 'cluster prod: Pod shop/api-0: spec.containers[0].image' },
      {
        text: `r.test/api@${oneDigest}`,
        by: 'cluster prod: Pod shop/api-0: status.containerStatuses[0].imageID',
      },
      {
        text: 'r.test/api:0.9',
        by: 'cluster prod: ReplicaSet shop/api-old: spec.template.spec.containers[0].image',
      },
    ])
  })

  it('is read with all workloads of all namespaces of the context', async () => {
    const w = await answering(list(replicaSet), 'printf "%s\\n" "$@" > "$OUT/arguments"')
    await queryCluster('prod', w, notedCall())
    const args = (await readFile(join(w.folder, 'arguments'), 'utf8')).trimEnd().split('\n')
    expect(args.slice(0, 3)).toEqual(['--context', 'prod', 'get'])
    expect(args.slice(4)).toEqual(['--all-namespaces', '-o', 'json'])
    expect(args[3]?.split(',')).toEqual([
      'pods',
      'deployments.apps',
      'replicasets.apps',
      'statefulsets.apps',
      'daemonsets.apps',
      'controllerrevisions.apps',
      'jobs.batch',
      'cronjobs.batch',
      'replicationcontrollers',
    ])
  })

  it('may have a name with shell syntax', async () => {
    const name = 'a; touch "$OUT/harm"; $(touch $OUT/harm)'
    const w = await answering(list(replicaSet), 'printf "%s" "$2" > "$OUT/context"')
    await queryCluster(name, w, notedCall())
    expect(await readFile(join(w.folder, 'context'), 'utf8')).toBe(name)
    await expect(readFile(join(w.folder, 'harm'))).rejects.toThrow('ENOENT')
  })

  it.each(['', '-prod', '--kubeconfig=/tmp/x', 'a\nb', 'a\0b'])('cannot have the name %j', async (name) => {
    const error = await failure(await fakeKubectl('echo no'), name)
    expect(error.code).toBe('config')
  })

  it('without any workload is an error', async () => {
    const error = await failure(await answering(list()))
    expect(error).toMatchObject({ code: 'refused', message: 'cluster prod has no workloads' })
  })
})

describe('a kubectl', () => {
  it('that is not installed is an error', async () => {
    const error = await failure({ env: { PATH: await tempFolder() }, clock: systemClock })
    expect(error).toMatchObject({ code: 'config', message: 'kubectl is not installed' })
  })

  it('that cannot be started is an error', async () => {
    const w = await fakeKubectl('echo')
    await chmod(join(w.folder, 'kubectl'), 0o644)
    expect(await failure({ ...w, env: { PATH: w.folder } })).toMatchObject({ code: 'config' })
  })

  it('that fails is an error with its last lines of stderr', async () => {
    const w = await fakeKubectl(
      'for i in 1 2 3 4 5 6 7 8; do echo "line $i" >&2; done; echo "Forbidden" >&2; exit 1',
    )
    const error = await failure(w)
    expect(error.code).toBe('unavailable')
    expect(error.why).toBe('line 5\nline 6\nline 7\nline 8\nForbidden')
  })

  it('that fails for some kinds is an error for all', async () => {
    const w = await answering(list(pod('r.test/api:1')), 'echo "cronjobs is forbidden" >&2; exit 1')
    expect((await failure(w)).why).toBe('cronjobs is forbidden')
  })

  it('that fails after other output is an error with its stderr', async () => {
    const w = await fakeKubectl('echo "error: no such context"; echo "no context" >&2; exit 1')
    expect(await failure(w)).toMatchObject({ code: 'unavailable', why: 'no context' })
  })

  it('that is killed is an error', async () => {
    expect((await failure(await fakeKubectl('kill -9 $$'))).why).toBe('it ended with a signal')
  })

  it.each([
    ['nothing', ''],
    ['words', 'No resources found'],
    ['half a list', '{"kind":"List","items":[{"kind":"Pod","spec":{"containers":[{"image":"r.test/a:1"}]}}'],
    ['half an object', '{"kind":"List","items":[{"kind":"Pod","spec":{"containers":[{"image":"r.test'],
    ['one object and no list', JSON.stringify(pod('r.test/a:1'))],
    ['a list of words', '{"kind":"List","items":["a"]}'],
    ['a list of numbers', '{"kind":"List","items":[1]}'],
    ['a list with something between', '{"kind":"List","items":[{"kind":"Pod"},null]}'],
    ['a list without commas', '{"kind":"List","items":[{"kind":"Pod"} {"kind":"Pod"}]}'],
    ['a list with a comma too many', '{"kind":"List","items":[{"kind":"Pod"},,{"kind":"Pod"}]}'],
    ['a list of lists', '{"kind":"List","items":[[{"kind":"Pod"}]]}'],
    ['an object without a kind', '{"kind":"List","items":[{"spec":{}}]}'],
    ['two lists', `${JSON.stringify(list(replicaSet))}${JSON.stringify(list(replicaSet))}`],
    ['two lists in one', '{"items":[{"kind":"Pod"}],"items":[]}'],
    ['a key twice', '{"items":[{"kind":"Pod","kind":"Job"}]}'],
    ['items deeper down', '{"data":{"items":[{"kind":"Pod"}]}}'],
    ['brackets that do not match', '{"items":[{"kind":"Pod"]}'],
    ['more behind the list', `${JSON.stringify(list(replicaSet))} and so on`],
    ['bytes that are no text', '{"items":[{"kind":"\uFFFD'],
    ['a page of more', JSON.stringify({ ...list(replicaSet), metadata: { continue: 'abc' } })],
  ])('that prints %s is an error', async (_, answer) => {
    expect((await failure(await answering(answer))).code).toBe('malformed')
  })

  it('is stopped if it prints more than the limit', async () => {
    const w = await fakeKubectl('yes "{}"', { maxBytes: 1_000_000 })
    const error = await failure(w)
    expect(error).toMatchObject({
      code: 'malformed',
      message: 'the answer of cluster prod is larger than 1000000 bytes',
    })
  })

  it('that prints endlessly to stderr takes no memory', async () => {
    const w = await fakeKubectl('yes error | head -c 18000000 >&2; exit 1')
    expect((await failure(w)).why).toBe('error\nerror\nerror\nerror\nerror')
  })

  /** A `kubectl` that hangs with a child process, and a promise for the end of both. */
  async function hanging(): Promise<{
    w: FakeKubectl
    clock: ReturnType<typeof manualClock>
    started: Promise<void>
    ended: Promise<void>
  }> {
    const clock = manualClock()
    const w = await fakeKubectl('exec 3>"$OUT/pipe"; echo started >&3; sleep 1000 & wait', { clock })
    execFileSync('mkfifo', [join(w.folder, 'pipe')])
    const pipe = createReadStream(join(w.folder, 'pipe'))
    const started = new Promise<void>((resolve) => pipe.once('data', () => resolve()))
    const ended = new Promise<void>((resolve) => pipe.once('end', () => resolve()))
    return { w, clock, started, ended }
  }

  it('that hangs is stopped after its time limit, together with its child processes', async () => {
    const { w, clock, started, ended } = await hanging()
    const failed = failure(w)
    await started
    await clock.advance(59_999)
    await clock.advance(1)
    expect(await failed).toMatchObject({ code: 'timeout', why: 'it was stopped after 60 s' })
    await ended
  })

  it('is stopped after an abort, together with its child processes', async () => {
    const { w, started, ended } = await hanging()
    const call = notedCall()
    const failed = failure(w, 'prod', call)
    await started
    call.abort(new DrayError('interrupted', 'enough'))
    expect((await failed).message).toBe('enough')
    await ended
  })

  it('is not started after an abort', async () => {
    const w = await fakeKubectl('touch "$OUT/started"')
    const call = notedCall()
    call.abort(new DrayError('interrupted', 'enough'))
    expect((await failure(w, 'prod', call)).message).toBe('enough')
    await expect(readFile(join(w.folder, 'started'))).rejects.toThrow('ENOENT')
  })
})

describe('a list that arrives in chunks', () => {
  const text = `\n${JSON.stringify(list(pod('r.test/ä:1'), replicaSet, {}), undefined, 1)}\n`

  it.each([1, 2, 3, 7, 64, 100_000])('of %i bytes is parsed the same', (size) => {
    const bytes = Buffer.from(text)
    const reader = new JsonListReader('it')
    const items: unknown[] = []
    for (let at = 0; at < bytes.byteLength; at += size)
      items.push(...reader.push(bytes.subarray(at, at + size)))
    expect(items).toEqual([pod('r.test/ä:1'), replicaSet, {}])
    expect(reader.end()).toEqual(list())
  })

  it('may have its items last, or beside other lists', () => {
    const reader = new JsonListReader('it')
    const items = [
      ...reader.push(Buffer.from('{"warnings": [ ], "note": "items", "items":[{"a":1} , {"b":[2]}]}')),
    ]
    expect(items).toEqual([{ a: 1 }, { b: [2] }])
    expect(reader.end()).toEqual({ warnings: [], note: 'items', items: [] })
  })
})
