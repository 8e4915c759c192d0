import type { Secrets } from '../http/secrets.ts'

type Method = (...args: readonly unknown[]) => unknown

/**
 * Returns the same ports, whose errors contain no secret that was sent in this run, whichever part
 * of an answer they quote. That holds for methods, promises and lists, and for streams that a
 * promise resolves to. `ports` is an object literal; methods of a class are not found.
 */
export function redactErrors<Ports extends object>(ports: Ports, secrets: Secrets): Ports {
  const members = Object.entries(ports).map(([name, member]: [string, unknown]) => [
    name,
    typeof member === 'function' ? redactMethod(member as Method, secrets) : member,
  ])
  return Object.fromEntries(members) as Ports
}

function redactMethod(method: Method, secrets: Secrets): Method {
  return (...args) => {
    try {
      return redactResult(method(...args), secrets)
    } catch (thrown) {
      throw secrets.redactError(thrown)
    }
  }
}

function redactResult(result: unknown, secrets: Secrets): unknown {
  if (result instanceof Promise) return redactPromise(result, secrets)
  return isAsyncIterable(result) ? redactList(result, secrets) : result
}

async function redactPromise(promise: Promise<unknown>, secrets: Secrets): Promise<unknown> {
  try {
    return redactResult(await promise, secrets)
  } catch (thrown) {
    throw secrets.redactError(thrown)
  }
}

async function* redactList<T>(list: AsyncIterable<T>, secrets: Secrets): AsyncGenerator<T, void> {
  try {
    yield* list
  } catch (thrown) {
    throw secrets.redactError(thrown)
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
