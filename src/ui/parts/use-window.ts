import { useEffect, useState, type RefObject } from 'react';
import { visibleRange, type Layout } from './windowed.ts';

/** The rows of a long list to draw, `from` to before `to`, as its box is scrolled and sized. */
export function useWindow(box: RefObject<HTMLElement | null>, layout: Layout) {
  const [scrollTop, setScrollTop] = useState(0);
  const [viewport, setViewport] = useState(600);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setViewport(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, [box]);
  const [from, to] = visibleRange(layout, scrollTop, viewport);
  return { from, to, setScrollTop };
}
