import sys,time,resource,threading
sys.path.insert(0,'/work/main/tests'); sys.path.insert(0,'/work/main')
from bringup.model import *
from bringup.transport import connect
from contextlib import closing
def test_cost(sshd):
    n=sshd.node()
    o=sshd.options()
    connect(n,o).close()
    for label,fn in (("connect+close",lambda c:None),("connect+1 bundle of 1",lambda c:c.execute([Command("echo hi")],lambda i,e:None)),("connect+1 bundle of 10",lambda c:c.execute([Command("echo hi")]*10,lambda i,e:None))):
        t=time.time(); c0=time.process_time()
        for _ in range(20):
            with closing(connect(n,o)) as c: fn(c)
        print(label, "wall ms", (time.time()-t)/20*1000, "client cpu ms", (time.process_time()-c0)/20*1000)
    with closing(connect(n,o)) as c:
        for k in (1,10,40):
            t=time.time(); c0=time.process_time()
            for _ in range(10): c.execute([Command("echo hi")]*k,lambda i,e:None)
            print("bundle of",k,"wall ms",(time.time()-t)/10*1000, "client cpu ms", (time.process_time()-c0)/10*1000)
        c0=time.process_time(); time.sleep(10); print("idle cpu ms/s",(time.process_time()-c0)/10*1000)
        c0=time.process_time(); c.execute([Command("sleep 10")],lambda i,e:None); print("running cpu ms/s",(time.process_time()-c0)/10*1000)
