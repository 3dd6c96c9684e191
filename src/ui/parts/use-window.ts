import { useEffect, useRef, useState } from 'react';
import { visibleRange, type Layout } from './windowed.ts';

/** The rows of a long list to draw, `from` to before `to`, as its box is scrolled and sized. */
export function useWindow(layout: Layout) {
  const box = useRef<HTMLDivElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const [viewport, setViewport] = useState(600);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setViewport(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const [from, to] = visibleRange(layout, scrollTop, viewport);
  return { box, from, to, setScrollTop };
}
