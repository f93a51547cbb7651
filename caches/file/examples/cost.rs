use std::time::Instant; use entrada_core::ports::blocking::Cache;
fn main(){ let d=std::env::temp_dir().join("entrada-cost"); let c=entrada_cache_file::FileCache::new(d.join("t.json")); c.save(&vec![b'x';5000]).unwrap();
 let n=1000; let t=Instant::now(); for _ in 0..n { c.load().unwrap(); } println!("load {:?}", t.elapsed()/n);
 let t=Instant::now(); for _ in 0..n { c.try_lock().unwrap(); } println!("lock+unlock {:?}", t.elapsed()/n);
 let t=Instant::now(); for _ in 0..100 { c.save(&vec![b'x';5000]).unwrap(); } println!("save {:?}", t.elapsed()/100); std::fs::remove_dir_all(d).unwrap(); }
