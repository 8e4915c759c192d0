/** The counted operations: each takes constant time, or time for each element that it visits. */
const keyed = ['get', 'has', 'set', 'add', 'delete'] as const
const searches = ['find', 'findIndex', 'some', 'every', 'filter', 'flatMap', 'map', 'forEach'] as const
const scans = ['includes', 'indexOf', 'lastIndexOf', 'splice'] as const

type Method = (this: unknown, ...args: unknown[]) => unknown

/**
 * Runs `work` and counts its operations on maps, sets and arrays, so that a test of the growth of
 * an algorithm needs no clock.
 */
export function countOperations(work: () => void): number {
  let count = 0
  const undo: (() => void)[] = []
  const replace = (target: object, name: string | symbol, by: (original: Method) => Method): void => {
    const before = Object.getOwnPropertyDescriptor(target, name)
    if (before === undefined) return
    Object.defineProperty(target, name, { ...before, value: by(before.value as Method) })
    undo.push(() => Object.defineProperty(target, name, before))
  }
  for (const { prototype } of [Map, Set]) {
    for (const name of keyed) {
      replace(
        prototype,
        name,
        (original) =>
          function (...args) {
            count += 1
            return original.apply(this, args)
          },
      )
    }
    for (const name of [Symbol.iterator, 'keys', 'values', 'entries']) {
      replace(
        prototype,
        name,
        (original) =>
          function () {
            return counted(original.call(this) as Iterator<unknown>)
          },
      )
    }
  }
  for (const name of searches) {
    replace(
      Array.prototype,
      name,
      (original) =>
        function (callback, ...rest) {
          const counting: Method = (...args) => {
            count += 1
            return (callback as Method).apply(undefined, args)
          }
          return original.call(this, counting, ...rest)
        },
    )
  }
  for (const name of scans) {
    replace(
      Array.prototype,
      name,
      (original) =>
        function (...args) {
          count += (this as readonly unknown[]).length
          return original.apply(this, args)
        },
    )
  }
  function* counted(iterator: Iterator<unknown>): Generator {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
      count += 1
      yield next.value
    }
  }
  try {
    work()
  } finally {
    for (const one of undo) one()
  }
  return count
}
